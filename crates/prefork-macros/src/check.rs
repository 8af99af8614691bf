//! What can be wrong with a request function, in words.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Result, Type};

const SHAPE: &str = "fn application(req: &mut Request) -> Response";

/// Looks at what the types do not say, or say in worse words.
pub(crate) fn shape(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    let refuse = |at: Span, what: &str| Err(Error::new(at, format!("{what}\n\n  {SHAPE}")));
    if let Some(asyncness) = &signature.asyncness {
        let what = "the function cannot be `async`: it has a thread of its own and may block";
        return refuse(asyncness.span(), what);
    }
    if !signature.safety.to_token_stream().is_empty() {
        return refuse(signature.safety.span(), "the function cannot be `unsafe`: the host can promise it nothing");
    }
    if let Some(abi) = &signature.abi {
        let what = "the function cannot be `extern`: the attribute writes what the host calls";
        return refuse(abi.span(), what);
    }
    if !signature.generics.params.is_empty() {
        let what = "the function cannot be generic: the host calls it with one type of request";
        return refuse(signature.generics.span(), what);
    }
    let mut inputs = signature.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (None, _) => {
            refuse(signature.paren_token.span.join(), "the function takes the request, this one takes nothing")
        }
        (_, Some(second)) => refuse(second.span(), "the function takes the request and nothing else"),
        (Some(FnArg::Receiver(receiver)), None) => {
            refuse(receiver.span(), "the function stands by itself: move it out of the `impl` and leave `self` out")
        }
        (Some(FnArg::Typed(typed)), None) => match &*typed.ty {
            Type::Reference(reference) if reference.mutability.is_some() => Ok(()),
            other => refuse(other.span(), "the function borrows the request: write `&mut Request`"),
        },
    }
}

/// An error for an item that is no function at all, and nothing for one that only has a mistake inside.
pub(crate) fn not_a_function(item: &TokenStream) -> TokenStream {
    let others = ["struct", "enum", "impl", "mod", "trait", "type", "static"];
    let first = item.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(name) if name != "pub" => Some(name),
        _ => None,
    });
    match first {
        Some(name) if others.iter().any(|other| name == other) => {
            let what = format!("`#[prefork::application]` stands before a function:\n\n  {SHAPE}");
            let error = Error::new(name.span(), what).to_compile_error();
            quote!(#error)
        }
        _ => TokenStream::new(),
    }
}
