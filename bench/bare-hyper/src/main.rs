//! `bare-hyper SOCKET BODY`: a server as one writes it with hyper alone, which answers BODY to every request.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(socket), Some(body)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bare-hyper SOCKET BODY".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(socket, Bytes::from(body)))?;
    Ok(())
}

async fn serve(socket: String, body: Bytes) -> std::io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    // A task, so that connections are accepted on the threads that serve them.
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let body = body.clone();
            let service = service_fn(move |_| {
                let answer = Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::new(body.clone()))
                    .expect("the header is a valid one");
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service));
        }
    })
    .await?
}
