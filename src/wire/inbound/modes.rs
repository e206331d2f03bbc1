//! The two modes of CloudEvents. Structured has the attributes in the JSON object beside `data`; binary has them in
//! headers, and the data alone as the body.

use serde_json::Value;

use super::envelope::{Attributes, starts_with_ignoring_case};

/// What every CloudEvent carries; a JSON object with all of them is one, whatever its headers say.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// A message taken apart.
pub struct Parts<'a> {
    pub attributes: Attributes<'a>,
    pub data: Option<&'a Value>,
}

impl<'a> Parts<'a> {
    /// Tells the two modes apart. `None` if the body is no JSON object and the headers carry no event either.
    pub fn of(body: &'a Value, headers: Attributes<'a>, content_type: Option<&str>) -> Option<Parts<'a>> {
        let says_structured = content_type.is_some_and(is_structured);
        match body {
            Value::Object(map)
                if says_structured || !headers.any() || REQUIRED.iter().all(|name| map.contains_key(*name)) =>
            {
                Some(Parts { attributes: Attributes::from_json(map), data: map.get("data") })
            }
            _ if headers.any() => Some(Parts { attributes: headers, data: Some(body) }),
            _ => None,
        }
    }
}

/// `application/cloudevents+json`, in any case and with any parameters.
fn is_structured(content_type: &str) -> bool {
    starts_with_ignoring_case(content_type.trim(), "application/cloudevents")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_body_that_is_an_event_is_one_whatever_the_headers_say() {
        let list = headers(&[("ce-id", "other"), ("ce-type", "lead.erased")]);
        let body = json!({"specversion": "1.0", "id": "e-1", "source": "/s", "type": "lead.erased", "data": {}});
        let parts = Parts::of(&body, Attributes::from_headers(&list), Some("text/plain")).unwrap();
        assert_eq!(parts.attributes.check(false).unwrap().id, "e-1");
    }

    #[test]
    fn a_body_without_an_envelope_is_the_data_of_its_headers() {
        let list = headers(&[("ce-id", "e-1")]);
        let body = json!({"id": "not the event's"});
        let parts = Parts::of(&body, Attributes::from_headers(&list), Some("application/json")).unwrap();
        assert_eq!(parts.data, Some(&body));
        let structured =
            Parts::of(&body, Attributes::from_headers(&list), Some("Application/CloudEvents+json; charset=utf-8"));
        assert_eq!(structured.unwrap().data, None);
    }
}
