//! What people read when they use the attribute in a wrong way: the exact text.
//! `TRYBUILD=overwrite cargo test -p prefork --test misuse` writes the files anew; read them before you keep them.

#[test]
fn misuse_is_explained() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
