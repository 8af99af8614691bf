//! What stands in the parentheses of the attribute.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, Path, Result, Token};

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) init: Option<Path>,
    pub(crate) post_fork: Option<Path>,
    pub(crate) exit: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            let place = match name.to_string().as_str() {
                "init" => &mut arguments.init,
                "post_fork" => &mut arguments.post_fork,
                "exit" => &mut arguments.exit,
                _ => {
                    let message =
                        format!("`#[prefork::application]` knows no `{name}`; it knows `init`, `post_fork` and `exit`");
                    return Err(Error::new(name.span(), message));
                }
            };
            if place.is_some() {
                return Err(Error::new(name.span(), format!("there is one `{name}`; call the others from it")));
            }
            let wrong =
                |error: Error| Error::new(error.span(), format!("write `{name} = function`, with the name of a `fn`"));
            input.parse::<Token![=]>().map_err(wrong)?;
            *place = Some(input.call(Path::parse_mod_style).map_err(wrong)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}
