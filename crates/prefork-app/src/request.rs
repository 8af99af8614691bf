use crate::body::Body;
use crate::raw::Raw;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

/// What a client sent.
///
/// What it is made of are variables as in CGI (`REQUEST_METHOD`, `PATH_INFO`, `HTTP_ACCEPT` …); the methods with
/// better names read those.
///
/// ```
/// use prefork::{Request, Response};
///
/// fn application(req: &mut Request) -> Response {
///     match (req.method(), req.path()) {
///         ("GET", "/") => Response::text("Hello"),
///         _ => Response::not_found(),
///     }
/// }
/// # assert_eq!(prefork::test::get("/").call(application).text(), "Hello");
/// ```
pub struct Request {
    body: Body,
    path: OnceCell<String>,
}

impl Request {
    pub(crate) fn new(raw: Raw) -> Request {
        Request { body: Body::new(raw), path: OnceCell::new() }
    }

    /// The method in capitals, such as `GET`.
    ///
    /// ```
    /// # use prefork::{Request, Response};
    /// # fn f(req: &mut Request) -> Response {
    /// if req.method() != "POST" {
    ///     return Response::new(405).header("Allow", "POST");
    /// }
    /// # Response::new(200) }
    /// ```
    pub fn method(&self) -> &str {
        self.var("REQUEST_METHOD").unwrap_or("")
    }

    /// The path below the app's mount point, decoded, without the query. Bytes that are no UTF-8 are replaced by `�`;
    /// [`var_bytes`](Request::var_bytes)`("PATH_INFO")` has them as they are.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let id: Option<u32> = req.path().strip_prefix("/orders/").and_then(|id| id.parse().ok());
    /// # }
    /// ```
    pub fn path(&self) -> &str {
        let bytes = self.var_bytes("PATH_INFO").unwrap_or(b"");
        match std::str::from_utf8(bytes) {
            Ok(path) => path,
            Err(_) => self.path.get_or_init(|| String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// What stands after the `?`, as it was sent; empty where there is none.
    ///
    /// ```
    /// # fn application(req: &mut prefork::Request) -> String {
    /// let page = req.query().split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap_or("1");
    /// # page.to_string() }
    /// # assert_eq!(prefork::test::get("/?a=b&page=3").call(application).text(), "3");
    /// ```
    pub fn query(&self) -> &str {
        self.var("QUERY_STRING").unwrap_or("")
    }

    /// A header by its name, in any case. The values of one that was sent several times are joined with `, `.
    ///
    /// ```
    /// # fn application(req: &mut prefork::Request) -> String {
    /// let kind = req.header("Content-Type").unwrap_or("none");
    /// # kind.to_string() }
    /// # let request = prefork::test::post("/", "{}").header("Content-Type", "application/json");
    /// # assert_eq!(request.call(application).text(), "application/json");
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |variable: &[u8]| header_of(variable).is_some_and(|header| is_header(header, name));
        let (_, value) = self.body.raw.vars().find(|(variable, _)| same(variable))?;
        std::str::from_utf8(value).ok()
    }

    /// All headers with their names in lower case, such as `user-agent`.
    ///
    /// ```
    /// # fn application(req: &mut prefork::Request) -> String {
    /// let seen: Vec<String> = req.headers().map(|(name, value)| format!("{name}: {value}")).collect();
    /// # seen.join("\n") }
    /// # let request = prefork::test::get("/").header("X-Color", "blue");
    /// # assert_eq!(request.call(application).text(), "x-color: blue");
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (String, Cow<'_, str>)> {
        self.body.raw.vars().filter_map(|(variable, value)| {
            let name = String::from_utf8_lossy(header_of(variable)?).to_ascii_lowercase().replace('_', "-");
            Some((name, String::from_utf8_lossy(value)))
        })
    }

    /// A variable by its name. `None` too where it is no UTF-8.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let secure = req.var("HTTPS") == Some("on");
    /// # }
    /// ```
    pub fn var(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.var_bytes(name)?).ok()
    }

    /// A variable as it is, whatever bytes that may be.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let target: &[u8] = req.var_bytes("REQUEST_URI").unwrap_or(b"/");
    /// # }
    /// ```
    pub fn var_bytes(&self, name: &str) -> Option<&[u8]> {
        self.body.raw.vars().find(|(variable, _)| *variable == name.as_bytes()).map(|(_, value)| value)
    }

    /// All variables.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// for (name, value) in req.vars() {
    ///     prefork::info!("{name} = {value}");
    /// }
    /// # }
    /// ```
    pub fn vars(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let text = String::from_utf8_lossy;
        self.body.raw.vars().map(move |(name, value)| (text(name), text(value)))
    }

    /// The head of the request as it came, from the method to the last header; empty where it came in another
    /// protocol than HTTP.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let bytes = req.head().len();
    /// # }
    /// ```
    pub fn head(&self) -> &[u8] {
        self.body.raw.head()
    }

    /// Who is on the other side of the connection: with a proxy in front, that proxy, unless it speaks the PROXY
    /// protocol.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let local = req.remote_addr().is_some_and(|address| address.is_loopback());
    /// # }
    /// ```
    pub fn remote_addr(&self) -> Option<IpAddr> {
        self.var("REMOTE_ADDR")?.parse().ok()
    }

    /// The body, to be read.
    ///
    /// ```
    /// # use prefork::{Request, Response};
    /// fn application(req: &mut Request) -> std::io::Result<Response> {
    ///     let text = req.body().text(1024)?;
    ///     Ok(Response::text(text.to_uppercase()))
    /// }
    /// # assert_eq!(prefork::test::post("/", "loud").call(application).text(), "LOUD");
    /// ```
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    pub(crate) fn raw(&mut self) -> &mut Raw {
        &mut self.body.raw
    }
}

/// The name of a header in the manner of a variable, or `None` for a variable that is none.
fn header_of(variable: &[u8]) -> Option<&[u8]> {
    match variable {
        b"CONTENT_TYPE" | b"CONTENT_LENGTH" => Some(variable),
        _ => variable.strip_prefix(b"HTTP_"),
    }
}

fn is_header(variable: &[u8], name: &str) -> bool {
    let as_variable = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() };
    name.bytes().map(as_variable).eq(variable.iter().copied())
}
