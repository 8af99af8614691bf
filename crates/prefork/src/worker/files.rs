//! Files, where the settings name some, before the app is asked.

use super::answer::{Answer, Stage};
use super::shared::Shared;
use crate::exchange::{AnswerError, Exchange};
use crate::statics::{FileAnswer, FileRequest};

/// Answers with a file. False: there is none for this request.
pub fn answer(shared: &Shared, answer: &mut Answer<'_>, path: &[u8]) -> bool {
    let Some(files) = &shared.files else { return false };
    let vars = answer.vars;
    let value = |name: &str| vars.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| *value);
    let method = value("REQUEST_METHOD").unwrap_or_default();
    let headers = |name: &str| {
        let key = format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"));
        value(&key)
    };
    let say = |why: &str| shared.logger.line(why);
    let query = value("QUERY_STRING").unwrap_or_default();
    let request = FileRequest { method, path, query, headers: &headers, say: &say };
    let Some(found) = files.find(&request) else { return false };
    let _ = send(answer, found);
    true
}

fn send(answer: &mut Answer<'_>, found: FileAnswer) -> Result<(), AnswerError> {
    let status = found.status.to_string();
    let length = found.body.as_ref().map_or(0, crate::statics::FileBody::left);
    let mut headers = found.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    answer.begin(status.as_bytes(), &mut headers, Some(length))?;
    let Stage::Open(sent) = answer.stage else { return Ok(()) };
    if let Some(body) = found.body.filter(|_| sent.framing != crate::http::response::BodyFraming::None) {
        answer.body_bytes = length;
        answer.output.push_file(body);
    }
    Ok(())
}
