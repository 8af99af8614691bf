//! The attribute `#[ignite::main]`. It is documented where people use it, in the crate `ignite`.

mod arguments;
mod check;
mod once;

use arguments::Arguments;
use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, ReturnType};

/// Makes a program of the function `handler`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tokens = Tokens::from(item.clone());
    let Ok(function) = syn::parse::<ItemFn>(item) else {
        // A function with a mistake in its body is no function to us; the compiler's own words are better then.
        let hint = check::not_a_function(&tokens);
        return quote!(#hint #tokens).into();
    };
    let arguments = match syn::parse::<Arguments>(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error, &function),
    };
    match check::shape(&function).and_then(|()| once::claim(&function.sig.ident)) {
        Ok(()) => expand(&arguments, &function).into(),
        Err(error) => refused(&error, &function),
    }
}

/// The error, and the function as it was: so that nothing else is reported about it.
fn refused(error: &syn::Error, function: &ItemFn) -> TokenStream {
    let error = error.to_compile_error();
    quote! {
        #error
        #[allow(dead_code)]
        #function
        #[allow(dead_code)]
        fn main() {}
    }
    .into()
}

fn expand(arguments: &Arguments, function: &ItemFn) -> Tokens {
    let output = match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let wrap = if function.sig.asyncness.is_some() { "asynchronous" } else { "blocking" };
    let wrap = Ident::new(wrap, output);
    // The types of the arguments as they were written: so that the compiler explains a wrong one at its place. All
    // else is placed at the return type, where it explains what cannot be answered.
    let types = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&*typed.ty),
        FnArg::Receiver(_) => None,
    });
    let handler = quote_spanned!(output=> ::ignite::__private::#wrap::<#(#types,)* _, _>(handler));
    let warm_up = match &arguments.warm_up {
        Some(path) => {
            let prepared = quote_spanned!(path.span()=> ::ignite::__private::warm_up(#path));
            quote!(::core::option::Option::Some(#prepared))
        }
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #function

        /// Serves the handler; a program made for a library calls it.
        #[doc(hidden)]
        #[allow(dead_code, unreachable_pub, clippy::all)]
        pub fn __ignite_main() {
            ::ignite::__private::start(::core::env!("CARGO_PKG_NAME"), #handler, #warm_up)
        }

        // In a library nobody calls it.
        #[allow(dead_code)]
        fn main() {
            __ignite_main()
        }
    }
}
