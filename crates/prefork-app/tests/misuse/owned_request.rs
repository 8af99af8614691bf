#[prefork::application]
fn application(req: prefork::Request) -> prefork::Response {
    prefork::Response::text(req.path().to_string())
}

fn main() {}
