#[prefork::application]
fn application(req: &mut String) -> prefork::Response {
    prefork::Response::text(req.clone())
}

fn main() {}
