#[prefork::application(start = begin)]
fn application(_req: &mut prefork::Request) -> &'static str {
    "hello"
}

fn main() {}
