//! What a handler knows about the execution it runs in.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;

use crate::env::Env;
use crate::execution::{Execution, Lease};
use crate::log::{LogLine, within};
use crate::response::ResponseStream;
use crate::temp_store::TempStore;

/// The execution a handler runs in. A clone is cheap and means the same execution.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     Ok(ignite::json!({ "execution": ctx.execution_id(), "function": ctx.function_id() }))
/// }
///
/// let response = ignite::test::get("/").function_id("acme/hello").call(handler);
/// assert_eq!(response.json::<Value>()["function"], "acme/hello");
/// ```
#[derive(Clone)]
pub struct Context {
    execution: Arc<Execution>,
}

impl Context {
    pub(crate) fn new(execution: Arc<Execution>) -> Self {
        Self { execution }
    }

    /// The id of this execution.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// eprintln!("{} begins", ctx.execution_id());
    /// # }
    /// ```
    pub fn execution_id(&self) -> &str {
        &self.execution.id
    }

    /// The function, as `org/app`.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let (org, app) = ctx.function_id().split_once('/').unwrap();
    /// # }
    /// ```
    pub fn function_id(&self) -> &str {
        self.execution.function_id.as_deref().unwrap_or(&self.execution.app.limits.function_id)
    }

    /// The organization it is called for.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let table = format!("orders_{}", ctx.organization_id());
    /// # }
    /// ```
    pub fn organization_id(&self) -> &str {
        self.execution.organization_id.as_deref().unwrap_or(&self.execution.app.limits.organization_id)
    }

    /// The variables of the function.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let retries: u32 = ctx.env().parse_or("RETRIES", 3)?;
    /// # Ok(()) }
    /// ```
    pub fn env(&self) -> Env {
        self.execution.app.env.clone()
    }

    /// Scratch files of this execution.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// ctx.temp_store().write("notes.txt", "remember")?;
    /// # Ok(()) }
    /// ```
    pub fn temp_store(&self) -> TempStore {
        TempStore::new(self.execution.temp().clone())
    }

    /// Writes the response while the handler runs. All handles of one execution write the same response.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    ///     let mut out = ctx.stream().content_type("text/plain");
    ///     out.send("thinking… ").await?;
    ///     Ok("done") // the last piece
    /// }
    /// assert_eq!(ignite::test::get("/").call(handler).text(), "thinking… done");
    /// ```
    pub fn stream(&self) -> ResponseStream {
        ResponseStream::open(self.execution.clone())
    }

    /// When the execution must have answered; a handler that is late is dropped and the caller gets a 504.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let deadline: Option<std::time::SystemTime> = ctx.deadline();
    /// # }
    /// ```
    pub fn deadline(&self) -> Option<SystemTime> {
        self.execution.deadline_at()
    }

    /// How much time is left until the deadline; `None` when there is none.
    ///
    /// ```
    /// use std::time::Duration;
    /// # fn f(ctx: ignite::Context) {
    /// if ctx.remaining().is_some_and(|left| left < Duration::from_secs(1)) {
    ///     eprintln!("no time for another round");
    /// }
    /// # }
    /// ```
    pub fn remaining(&self) -> Option<Duration> {
        self.execution.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Resolves when the answer is no longer wanted: the caller has left, the deadline has passed, or the process is
    /// about to end. An async handler is dropped at that moment; spawned work can wait for it, and a plain `fn`
    /// asks [`is_cancelled`](Context::is_cancelled).
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let watcher = ctx.clone();
    /// ctx.spawn(async move {
    ///     watcher.cancelled().await;
    ///     eprintln!("nobody waits for this any more");
    /// });
    /// # }
    /// ```
    pub async fn cancelled(&self) {
        let mut cancelled = std::pin::pin!(self.execution.cancelled.wait());
        let mut ended = std::pin::pin!(self.execution.app.ended.wait());
        poll_fn(|cx| match cancelled.as_mut().poll(cx) {
            Poll::Pending => ended.as_mut().poll(cx),
            ready => ready,
        })
        .await;
    }

    /// Whether the answer is no longer wanted.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context, steps: Vec<u32>) -> ignite::Result<()> {
    /// for step in steps {
    ///     if ctx.is_cancelled() {
    ///         return Err(ignite::Error::msg("stopped half way"));
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.execution.cancelled.has_fired() || self.execution.app.ended.has_fired()
    }

    /// Begins a line of the log, tied to this execution.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// ctx.log("paid").field("order", 17).field("cents", 240);
    /// # }
    /// ```
    pub fn log(&self, message: impl Into<String>) -> LogLine {
        LogLine::new(self.execution.id.clone(), message.into())
    }

    /// Work that may go on after the answer: the process waits for it before it stops, up to its drain limit, and
    /// the temporary files stay until it has ended.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    ///     let log = ctx.clone();
    ///     ctx.spawn(async move {
    ///         // send the mail…
    ///         log.log("mail sent");
    ///     });
    ///     Ok(StatusCode::ACCEPTED)
    /// }
    /// assert_eq!(ignite::test::post("").call(handler).status(), 202);
    /// ```
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let lease = Lease::new(&self.execution);
        tokio::spawn(known(self.execution.id.clone(), async move {
            let _lease = lease;
            work.await
        }))
    }

    /// [`spawn`](Context::spawn) for work that blocks or computes.
    ///
    /// ```
    /// # async fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let sum = ctx.spawn_blocking(|| (0..1_000_000_u64).sum::<u64>()).await?;
    /// # Ok(()) }
    /// ```
    pub fn spawn_blocking<T, F>(&self, work: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (lease, id) = (Lease::new(&self.execution), self.execution.id.clone());
        tokio::task::spawn_blocking(move || {
            let _lease = lease;
            within(&id, work)
        })
    }

    /// What the warm-up of this process returned; see [`main`](macro@crate::main).
    ///
    /// # Panics
    ///
    /// When there was no warm-up, or it returned another type.
    ///
    /// ```standalone_crate
    /// # use ignite::prelude::*;
    /// struct Prices(Vec<f64>);
    ///
    /// async fn load() -> Result<Prices> {
    ///     Ok(Prices(vec![2.4]))
    /// }
    ///
    /// #[ignite::main(warm_up = load)]
    /// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    ///     Ok(ctx.state::<Prices>().0[0].to_string())
    /// }
    /// assert_eq!(ignite::test::get("/").state(Prices(vec![1.5])).call(handler).text(), "1.5");
    /// ```
    #[track_caller]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        let state = self.execution.app.state.as_deref();
        state.and_then(|state| state.downcast_ref()).unwrap_or_else(|| {
            let wanted = std::any::type_name::<T>();
            panic!("no warm-up returned a {wanted}: write #[ignite::main(warm_up = …)] with a function that does")
        })
    }
}

/// A future whose execution is known to the panic hook whenever it runs.
pub(crate) fn known<F: Future>(id: Arc<str>, work: F) -> impl Future<Output = F::Output> {
    let mut work = Box::pin(work);
    poll_fn(move |cx| within(&id, || work.as_mut().poll(cx)))
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({}, {})", self.function_id(), self.execution_id())
    }
}
