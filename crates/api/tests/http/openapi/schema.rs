//! As much of JSON Schema as the document uses, read strictly: a keyword that is not known here
//! fails the test. Patterns and formats are left to the clients that were made for them.

use serde_json::{Map, Value};

/// Every way in which a value breaks a schema of the document.
pub(crate) fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Check { document, found: &mut found }.check(schema, value, "$");
    found
}

struct Check<'a> {
    document: &'a Value,
    found: &'a mut Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, place: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{place}: {what}"));
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        violations(self.document, schema, value).is_empty()
    }

    fn check(&mut self, schema: &Value, value: &Value, place: &str) {
        for (keyword, given) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "$ref" => {
                    let pointer = given.as_str().unwrap().strip_prefix('#').unwrap();
                    let schema = self.document.pointer(pointer).unwrap();
                    self.check(schema, value, place);
                }
                "allOf" => {
                    given.as_array().unwrap().iter().for_each(|one| self.check(one, value, place));
                }
                "oneOf" => {
                    let all = given.as_array().unwrap();
                    let fitting = all.iter().filter(|one| self.fits(one, value)).count();
                    if fitting != 1 {
                        self.wrong(place, format!("{fitting} of {} fit {value}", all.len()));
                    }
                }
                "type" => {
                    let is_of = |name: &Value| is_of(name.as_str().unwrap(), value);
                    let fits = given
                        .as_array()
                        .map_or_else(|| is_of(given), |names| names.iter().any(is_of));
                    if !fits {
                        self.wrong(place, format!("{value} is not of type {given}"));
                    }
                }
                "enum" if !given.as_array().unwrap().contains(value) => {
                    self.wrong(place, format!("{value} is none of {given}"));
                }
                "const" if given != value => self.wrong(place, format!("{value} is not {given}")),
                "properties" => self.properties(schema, given, value, place),
                "required" => {
                    let Some(object) = value.as_object() else { continue };
                    let names = given.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    for name in names.filter(|name| !object.contains_key(*name)) {
                        self.wrong(place, format!("lacks {name}"));
                    }
                }
                "additionalProperties" => {
                    let known = schema["properties"].as_object();
                    for (name, member) in value.as_object().unwrap_or(&Map::new()) {
                        let is_known = known.is_some_and(|known| known.contains_key(name));
                        match (is_known, given) {
                            (true, _) => {}
                            (false, Value::Bool(false)) => {
                                self.wrong(place, format!("has {name}, which is not described"));
                            }
                            (false, schema) => {
                                self.check(schema, member, &format!("{place}.{name}"));
                            }
                        }
                    }
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    items.for_each(|(index, item)| {
                        self.check(given, item, &format!("{place}[{index}]"));
                    });
                }
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minimum" | "maximum" => {
                    self.bound(keyword, given, value, place);
                }
                // Each of these was looked at above, and holds.
                "enum" | "const" => {}
                // For people, or for other programs.
                "description" | "title" | "example" | "examples" | "default" | "format"
                | "pattern" | "writeOnly" | "propertyNames" => {}
                other => panic!("{place}: the keyword {other} is not known here"),
            }
        }
    }

    fn properties(&mut self, schema: &Value, properties: &Value, value: &Value, place: &str) {
        let Some(object) = value.as_object() else { return };
        assert!(
            schema.get("additionalProperties").is_some() || schema.get("required").is_none(),
            "{place}: it does not say that there are no other properties: {schema}"
        );
        for (name, schema) in properties.as_object().unwrap() {
            if let Some(member) = object.get(name) {
                self.check(schema, member, &format!("{place}.{name}"));
            }
        }
    }

    fn bound(&mut self, keyword: &str, bound: &Value, value: &Value, place: &str) {
        let size = match (keyword, value) {
            ("minItems" | "maxItems", Value::Array(items)) => i64::try_from(items.len()).ok(),
            ("minLength" | "maxLength", Value::String(text)) => {
                i64::try_from(text.chars().count()).ok()
            }
            ("minimum" | "maximum", Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let Some(size) = size else { return };
        let bound = bound.as_i64().unwrap();
        let is_kept = if keyword.starts_with("min") { size >= bound } else { size <= bound };
        if !is_kept {
            self.wrong(place, format!("{value} breaks {keyword} {bound}"));
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
