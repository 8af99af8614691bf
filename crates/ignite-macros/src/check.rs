//! What can be wrong with a handler, in words.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Result};

const SHAPE: &str = "async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse>";

/// Looks at what the types do not say.
pub(crate) fn shape(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    let refuse = |at: proc_macro2::Span, what: String| Err(Error::new(at, format!("{what}\n\n  {SHAPE}")));
    if signature.ident != "handler" {
        let name = &signature.ident;
        return refuse(name.span(), format!("the handler must be named `handler`: rename `{name}`"));
    }
    if let Some(constness) = &signature.constness {
        return refuse(constness.span(), "the handler cannot be `const`".into());
    }
    if !signature.safety.to_token_stream().is_empty() {
        let what = "the handler cannot be `unsafe`: the platform calls it, and can promise it nothing";
        return refuse(signature.safety.span(), what.into());
    }
    if let Some(abi) = &signature.abi {
        return refuse(abi.span(), "the handler cannot be `extern`".into());
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        let what = "the handler cannot be generic: the platform calls it with one type of request";
        return refuse(generics.span(), what.into());
    }
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let what = "the handler is a free function: move it out of the `impl` and leave `self` out";
                return refuse(receiver.span(), what.into());
            }
            FnArg::Typed(typed) if matches!(*typed.ty, syn::Type::ImplTrait(_)) => {
                let what = "the handler cannot be generic: name the type instead of `impl`";
                return refuse(typed.ty.span(), what.into());
            }
            FnArg::Typed(_) => {}
        }
    }
    match signature.inputs.len() {
        2 => Ok(()),
        0 => refuse(signature.span(), "the handler takes two arguments, this one takes none".into()),
        count => {
            let what = format!("the handler takes two arguments, this one takes {count}");
            refuse(signature.inputs.span(), what)
        }
    }
}

/// An error for an item that is no function at all, and nothing for one that only has a mistake inside.
pub(crate) fn not_a_function(item: &TokenStream) -> TokenStream {
    let is_function = item.clone().into_iter().any(|token| matches!(&token, TokenTree::Ident(name) if name == "fn"));
    let is_other = item.clone().into_iter().any(|token| match &token {
        TokenTree::Ident(name) => {
            ["struct", "enum", "impl", "mod", "trait", "type", "static"].iter().any(|k| name == k)
        }
        _ => false,
    });
    if is_function && !is_other {
        return TokenStream::new();
    }
    let span = item.clone().into_iter().next().map_or_else(proc_macro2::Span::call_site, |token| token.span());
    let error =
        Error::new(span, format!("`#[ignite::main]` stands before a function:\n\n  {SHAPE}")).to_compile_error();
    quote!(#error fn main() {})
}
