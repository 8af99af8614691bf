//! What stands in the parentheses of the attribute.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, Path, Result, Token};

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) warm_up: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            if name != "warm_up" {
                let message = format!("`#[ignite::main]` knows no `{name}`; it knows `warm_up = function`");
                return Err(Error::new(name.span(), message));
            }
            if arguments.warm_up.is_some() {
                return Err(Error::new(name.span(), "there is one warm-up; call the others from it"));
            }
            let wrong =
                |error: Error| Error::new(error.span(), "write `warm_up = function`, with the name of an `async fn`");
            input.parse::<Token![=]>().map_err(wrong)?;
            arguments.warm_up = Some(input.call(Path::parse_mod_style).map_err(wrong)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}
