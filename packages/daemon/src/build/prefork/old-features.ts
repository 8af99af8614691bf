/** Features of Rust before and soon after 1.0 that need no attribute any more, or whose library is part of std. */
export const oldFeatures: ReadonlySet<string> = new Set(
  [
    // The library, as it was cut up in 2015.
    "alloc ascii collections convert core duration env exit_status fs hash io net old_io old_path os path",
    "slice_extras std_misc str_char str_words thread_sleep vec_push_all",
    // The language.
    "associated_consts associated_types default_type_params globs if_let issue_5723_bootstrap macro_rules phase",
    "slicing_syntax struct_variant tuple_indexing while_let",
    "async_await conservative_impl_trait dyn_trait i128_type let_else nll question_mark slice_patterns try_from",
    "universal_impl_trait",
  ].flatMap((line) => line.split(" ")),
);
