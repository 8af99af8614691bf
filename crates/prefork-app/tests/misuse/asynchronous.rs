#[prefork::application]
async fn application(req: &mut prefork::Request) -> prefork::Response {
    prefork::Response::text(req.path().to_string())
}

fn main() {}
