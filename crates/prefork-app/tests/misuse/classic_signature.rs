#[prefork::application]
pub extern "C" fn application(_req: &mut prefork::Request) -> &'static str {
    "hello"
}

fn main() {}
