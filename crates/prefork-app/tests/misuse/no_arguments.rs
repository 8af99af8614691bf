#[prefork::application]
fn application() -> prefork::Response {
    prefork::Response::new(200)
}

fn main() {}
