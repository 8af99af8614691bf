//! A user's function in one shape, whatever it takes and returns.

use std::any::Any;
use std::pin::Pin;

use http::request::Parts;

use crate::FromRequest;
use crate::{Body, Context, IntoResponse, Response, Result};

pub(crate) type Reply = Pin<Box<dyn Future<Output = Response> + Send>>;
type Job = Box<dyn FnOnce() -> Response + Send>;
type Call<T> = Box<dyn Fn(Parts, Body, Context) -> T + Send + Sync>;

/// One call of a handler, not begun yet.
pub(crate) enum Work {
    Async(Reply),
    Blocking(Job),
}

/// A handler of any kind.
pub struct Handler {
    /// Whether it reads the body while it arrives.
    pub(crate) in_pieces: bool,
    call: Call<Work>,
}

impl Handler {
    pub(crate) fn call(&self, head: Parts, body: Body, ctx: Context) -> Work {
        (self.call)(head, body, ctx)
    }
}

/// Only [`Context`]; a trait, so that the compiler says in words what the second argument should be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the second argument of a handler",
    label = "should be `Context`",
    note = "the shape of a handler: async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse>"
)]
pub trait IsContext: Send + 'static {
    #[doc(hidden)]
    fn is(ctx: Context) -> Self;
}

impl IsContext for Context {
    fn is(ctx: Context) -> Self {
        ctx
    }
}

/// An `async fn`, which runs on the threads all executions share.
pub fn asynchronous<Q, C, F, Fut>(handler: F) -> Handler
where
    Q: FromRequest,
    C: IsContext,
    F: Fn(Q, C) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    Handler {
        in_pieces: Q::IN_PIECES,
        call: Box::new(move |head, body, ctx| {
            let handler = handler.clone();
            // Called inside the future: all of the user's code runs where panics are caught.
            Work::Async(Box::pin(async move { handler(Q::from_request(head, body), C::is(ctx)).await.into_response() }))
        }),
    }
}

/// A plain `fn`, which runs on a thread where it may block without holding up others.
pub fn blocking<Q, C, F, R>(handler: F) -> Handler
where
    Q: FromRequest,
    C: IsContext,
    F: Fn(Q, C) -> R + Clone + Send + Sync + 'static,
    R: IntoResponse,
{
    Handler {
        in_pieces: Q::IN_PIECES,
        call: Box::new(move |head, body, ctx| {
            let handler = handler.clone();
            Work::Blocking(Box::new(move || handler(Q::from_request(head, body), C::is(ctx)).into_response()))
        }),
    }
}

/// An async or a plain handler; which of the two is found out by the compiler.
#[diagnostic::on_unimplemented(
    message = "this is not a handler",
    label = "should be `fn(Request, Context) -> Result<impl IntoResponse>`, async or not"
)]
pub trait IntoHandler<Kind> {
    #[doc(hidden)]
    fn into_handler(self) -> Handler;
}

impl<Q, F, Fut, R> IntoHandler<(Q, Fut, R, ())> for F
where
    Q: FromRequest,
    F: Fn(Q, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoResponse,
{
    fn into_handler(self) -> Handler {
        asynchronous(self)
    }
}

impl<Q, F, R> IntoHandler<(Q, R)> for F
where
    Q: FromRequest,
    F: Fn(Q, Context) -> R + Clone + Send + Sync + 'static,
    R: IntoResponse,
{
    fn into_handler(self) -> Handler {
        blocking(self)
    }
}

type State = Box<dyn Any + Send + Sync>;
type Preparing = Pin<Box<dyn Future<Output = Result<State>> + Send>>;

/// What runs once, before the first execution.
pub struct WarmUp(Box<dyn FnOnce() -> Preparing + Send>);

impl WarmUp {
    pub(crate) async fn run(self) -> Result<State> {
        (self.0)().await
    }
}

/// An `async fn` without arguments that returns a `Result`.
pub fn warm_up<F, Fut, T, E>(prepare: F) -> WarmUp
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = std::result::Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Into<crate::Error>,
{
    WarmUp(Box::new(move || {
        Box::pin(async move {
            let state = prepare().await.map_err(Into::into)?;
            Ok(Box::new(state) as State)
        })
    }))
}
