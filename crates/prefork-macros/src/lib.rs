//! The attribute `#[prefork::application]`. It is documented where people use it, in the crate `prefork`.

mod arguments;
mod check;

use arguments::Arguments;
use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ItemFn, ReturnType};

/// Exports the function to the host.
#[proc_macro_attribute]
pub fn application(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tokens = Tokens::from(item.clone());
    let Ok(function) = syn::parse::<ItemFn>(item) else {
        // A function with a mistake in its body is no function to us; the compiler's own words are better then.
        let hint = check::not_a_function(&tokens);
        return quote!(#hint #tokens).into();
    };
    let arguments = syn::parse::<Arguments>(arguments);
    match check::shape(&function).and(arguments) {
        Ok(arguments) => expand(&arguments, &function).into(),
        Err(error) => {
            // The function as it was: so that nothing else is reported about it.
            let error = error.to_compile_error();
            quote!(#error #[allow(dead_code)] #function).into()
        }
    }
}

fn expand(arguments: &Arguments, function: &ItemFn) -> Tokens {
    let name = &function.sig.ident;
    let output = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let input = function.sig.inputs.first().map_or_else(|| name.span(), FnArg::span);
    // A wrong argument is explained at the argument, what cannot be answered at the return type.
    let typed = quote_spanned!(input=> let __prefork_application: fn(&mut ::prefork::Request) -> _ = #name;);
    let handle = quote_spanned!(output=> ::prefork::__private::handle(request, __prefork_application));
    let init = match &arguments.init {
        Some(path) => {
            let typed = quote_spanned!(path.span()=> let __prefork_hook: fn() -> _ = #path;);
            quote!({ #typed __prefork_hook() })
        }
        None => quote!(()),
    };
    let post_fork = match &arguments.post_fork {
        Some(path) => {
            let typed = quote_spanned!(path.span()=> let __prefork_hook: fn(u32) -> _ = #path;);
            quote!({
                unsafe extern "C" fn __prefork_post_fork(worker: u32) -> i32 {
                    #typed
                    ::prefork::__private::run("post_fork", || __prefork_hook(worker))
                }
                ::core::option::Option::Some(__prefork_post_fork)
            })
        }
        None => quote!(::core::option::Option::None),
    };
    let exit = match &arguments.exit {
        Some(path) => {
            let typed = quote_spanned!(path.span()=> let __prefork_hook: fn() -> _ = #path;);
            quote!({
                unsafe extern "C" fn __prefork_exit() {
                    #typed
                    ::prefork::__private::run("exit", || __prefork_hook());
                }
                ::core::option::Option::Some(__prefork_exit)
            })
        }
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #function

        // Names inside begin with `__prefork` so that none of them is one of the user's.
        /// What the host looks for.
        #[doc(hidden)]
        #[allow(unsafe_code, unreachable_pub, non_upper_case_globals, unsafe_op_in_unsafe_fn, clippy::all)]
        // SAFETY: no other library of the process is asked for a symbol of this name: each is asked by its own handle.
        #[unsafe(no_mangle)]
        pub static bloom_prefork_v1: ::prefork::abi::AppTable = {
            unsafe extern "C" fn __prefork_init(host: *const ::prefork::abi::HostTable) -> i32 {
                ::prefork::__private::init(host, || #init)
            }
            unsafe extern "C" fn __prefork_handle(request: *const ::prefork::abi::RequestTable) -> i32 {
                #typed
                #handle
            }
            ::prefork::abi::AppTable {
                size: ::core::mem::size_of::<::prefork::abi::AppTable>(),
                init: ::core::option::Option::Some(__prefork_init),
                post_fork: #post_fork,
                exit: #exit,
                handle: ::core::option::Option::Some(__prefork_handle),
            }
        };
    }
}
