//! An app that counts the bytes of a body as they come.

use prefork::{Request, Response};
use std::io::Read;

#[prefork::application]
fn application(req: &mut Request) -> Result<Response, std::io::Error> {
    let (mut body, mut piece, mut count) = (req.body(), vec![0; 64 << 10], 0);
    loop {
        match body.read(&mut piece)? {
            0 => return Ok(Response::text(count.to_string())),
            length => count += length,
        }
    }
}
