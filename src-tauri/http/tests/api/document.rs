//! The OpenAPI document as a judge of replies.

use serde_json::{Value, json};

pub(crate) struct Document(pub(crate) Value);

impl Document {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0["paths"].as_object().unwrap().keys().map(String::as_str)
    }

    /// Panics unless the document says that `path` may answer so.
    pub(crate) fn check(&self, method: &str, path: &str, status: u16, kind: &str, body: &Value) {
        let Some(template) = self.paths().find(|template| matches(template, path)) else {
            assert!(status >= 400, "{path} is not in the document");
            return self.check_schema(&json!({ "$ref": "#/components/schemas/ProblemReply" }), body);
        };
        if status == 405 {
            return self.check_schema(&json!({ "$ref": "#/components/schemas/ProblemReply" }), body);
        }
        let described = &self.0["paths"][template][method]["responses"][status.to_string()];
        assert!(described.is_object(), "{path} answers {status}, which the document does not know: {body}");
        let kind = kind.split(';').next().unwrap();
        match described["content"].as_object() {
            None => assert_eq!((kind, body), ("", &json!("")), "{path} answers {status} with a body"),
            Some(content) => {
                let media = content.get(kind);
                let media = media.unwrap_or_else(|| panic!("{path} answers {status} as {kind:?}"));
                self.check_schema(&media["schema"], body);
            }
        }
    }

    fn check_schema(&self, schema: &Value, body: &Value) {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator
            .iter_errors(body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{body:#}");
    }

    /// References are looked up in the document itself, so that one that leads nowhere fails here.
    pub(crate) fn validator(&self, schema: &Value) -> jsonschema::Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.0["components"],
        });
        jsonschema::validator_for(&whole).unwrap()
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(wanted, given): (&&str, &&str)| wanted.starts_with('{') || wanted == given;
    template.len() == path.len() && template.iter().zip(&path).all(same)
}
