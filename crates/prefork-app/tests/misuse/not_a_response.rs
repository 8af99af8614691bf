#[prefork::application]
fn application(_req: &mut prefork::Request) -> u32 {
    17
}

fn main() {}
