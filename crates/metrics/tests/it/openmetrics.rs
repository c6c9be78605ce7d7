//! A strict reader of OpenMetrics 1.0 text: what the grammar and the rules of the specification do not
//! allow is an error. Exemplars and timestamps, which the project does not write, are not allowed.

use std::collections::{BTreeMap, BTreeSet};

/// Labels and their values.
pub(crate) type Labels = BTreeMap<String, String>;

/// A metric family.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    /// The sample's whole name, its labels, its value.
    pub(crate) samples: Vec<(String, Labels, f64)>,
}

/// The families of a text, by name.
#[derive(Debug)]
pub(crate) struct Exposition(pub(crate) BTreeMap<String, Family>);

impl Exposition {
    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("the text does not end with # EOF")?;
        if !body.is_empty() && !body.ends_with('\n') {
            return Err("# EOF is no line of its own".to_owned());
        }
        let mut families = BTreeMap::<String, Family>::new();
        let mut current: Option<(String, Family)> = None;
        for line in body.split_terminator('\n') {
            let fail = |why: &str| Err(format!("{why}: {line:?}"));
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.splitn(3, ' ');
                let (Some(word), Some(name), Some(text)) =
                    (words.next(), words.next(), words.next())
                else {
                    return fail("no metadata");
                };
                if !is_name(name, true) {
                    return fail("no name");
                }
                if current.as_ref().is_none_or(|(known, _)| known != name) {
                    finish(&mut families, current.take())?;
                    current = Some((name.to_owned(), Family::default()));
                }
                let Some((_, family)) = &mut current else { return fail("no family") };
                if !family.samples.is_empty() {
                    return fail("metadata behind samples");
                }
                match word {
                    "HELP" if family.help.is_empty() => family.help = unescape(text)?,
                    "TYPE" if family.kind.is_empty() => family.kind = text.to_owned(),
                    "UNIT" if family.unit.is_none() => {
                        if !name.ends_with(&format!("_{text}")) {
                            return fail("the name does not end with the unit");
                        }
                        family.unit = Some(text.to_owned());
                    }
                    _ => return fail("unknown or repeated metadata"),
                }
            } else {
                let Some((family, known)) = &mut current else {
                    return fail("a sample without a family");
                };
                let (name, labels, value) =
                    sample(line).map_err(|why| format!("{why}: {line:?}"))?;
                if !suffixes(&known.kind)?.iter().any(|end| name == format!("{family}{end}")) {
                    return fail("the sample is not of the family or its type");
                }
                known.samples.push((name, labels, value));
            }
        }
        finish(&mut families, current)?;
        Ok(Self(families))
    }

    /// The value of a sample, by its whole name.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: Labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut samples = self.0.values().flat_map(|family| &family.samples);
        samples.find(|(known, its, _)| known == name && *its == labels).map(|(_, _, value)| *value)
    }
}

/// Checks a family that is whole.
fn finish(
    families: &mut BTreeMap<String, Family>,
    family: Option<(String, Family)>,
) -> Result<(), String> {
    let Some((name, family)) = family else { return Ok(()) };
    if family.help.is_empty() || family.kind.is_empty() {
        return Err(format!("{name} has no help or no type"));
    }
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        if !seen.insert((sample, labels)) {
            return Err(format!("{sample}{labels:?} is there twice"));
        }
        match family.kind.as_str() {
            "counter" | "histogram" if !value.is_finite() || *value < 0.0 => {
                return Err(format!("{sample}{labels:?} is {value}"));
            }
            "info" if (value - 1.0).abs() > 0.0 => return Err(format!("{sample} is not 1")),
            _ => {}
        }
    }
    if family.kind == "histogram" {
        histogram(&name, &family)?;
    }
    if families.insert(name.clone(), family).is_some() {
        return Err(format!("{name} is there twice, or its lines are not together"));
    }
    Ok(())
}

/// Buckets grow, the last is +Inf and holds the count; there is a sum.
fn histogram(name: &str, family: &Family) -> Result<(), String> {
    let mut points = BTreeMap::<Labels, (Vec<(f64, f64)>, Option<f64>, Option<f64>)>::new();
    for (sample, labels, value) in &family.samples {
        let mut labels = labels.clone();
        let bound = labels.remove("le");
        let point = points.entry(labels).or_default();
        match (sample.strip_prefix(name), bound) {
            (Some("_bucket"), Some(bound)) => point.0.push((number(&bound)?, *value)),
            (Some("_sum"), None) => point.1 = Some(*value),
            (Some("_count"), None) => point.2 = Some(*value),
            _ => return Err(format!("{sample} has a bound too many or too few")),
        }
    }
    for (labels, (buckets, sum, count)) in points {
        let grows = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = buckets.last().copied();
        if !grows
            || sum.is_none()
            || last.is_none()
            || last != count.map(|all| (f64::INFINITY, all))
        {
            return Err(format!("{name}{labels:?} is no histogram"));
        }
    }
    Ok(())
}

fn suffixes(kind: &str) -> Result<&'static [&'static str], String> {
    match kind {
        "counter" => Ok(&["_total"]),
        "gauge" => Ok(&[""]),
        "histogram" => Ok(&["_bucket", "_sum", "_count"]),
        "info" => Ok(&["_info"]),
        _ => Err(format!("a type that is not used here: {kind:?}")),
    }
}

fn is_name(text: &str, may_have_colons: bool) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || (may_have_colons && c == ':');
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        // What Rust reads beyond the grammar, such as `infinity`, is none.
        _ if text.contains(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)) => {
            Err(format!("no number: {text:?}"))
        }
        _ => text.parse().map_err(|_| format!("no number: {text:?}")),
    }
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => '\n',
            ('\\', Some(it @ ('\\' | '"'))) => it,
            ('\\' | '"', _) => return Err(format!("not escaped: {text:?}")),
            (it, _) => it,
        });
    }
    Ok(plain)
}

fn sample(line: &str) -> Result<(String, Labels, f64), String> {
    let start = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(start);
    if !is_name(name, true) {
        return Err("no name".to_owned());
    }
    let mut labels = Labels::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, behind) = inside.split_once("=\"").ok_or("no label")?;
            if !is_name(label, false) {
                return Err(format!("no name of a label: {label:?}"));
            }
            let mut is_escaped = false;
            let end = behind.find(|c| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            });
            let (value, behind) = behind.split_at(end.ok_or("no end of a value")?);
            if labels.insert(label.to_owned(), unescape(value)?).is_some() {
                return Err("a label twice".to_owned());
            }
            match behind.strip_prefix("\",") {
                Some(next) => inside = next,
                None => {
                    rest = behind.strip_prefix("\"}").ok_or("no end of the labels")?;
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no value")?;
    Ok((name.to_owned(), labels, number(value)?))
}

#[test]
fn the_reader_is_strict() {
    let family = "# HELP a A.\n# TYPE a counter\n";
    for (text, is_right) in [
        ("# EOF\n".to_owned(), true),
        (format!("{family}a_total{{b=\"c\\\"\\n\\\\\"}} 1\n# EOF\n"), true),
        (String::new(), false),
        (format!("{family}a_total 1\n"), false),
        (format!("{family}a_total 1\n\n# EOF\n"), false),
        (format!("{family}a 1\n# EOF\n"), false),
        (format!("{family}a_total -1\n# EOF\n"), false),
        (format!("{family}a_total NaN\n# EOF\n"), false),
        (format!("{family}a_total 1\na_total 2\n# EOF\n"), false),
        (format!("{family}a_total{{b=\"c\",b=\"c\"}} 1\n# EOF\n"), false),
        (format!("{family}a_total{{b=\"\\c\"}} 1\n# EOF\n"), false),
        (format!("{family}a_total{{b=\"c\" 1\n# EOF\n"), false),
        (format!("{family}a_total{{1b=\"c\"}} 1\n# EOF\n"), false),
        (format!("{family}a_total{{b=\"c\"}}  1\n# EOF\n"), false),
        (format!("{family}# UNIT a seconds\na_total 1\n# EOF\n"), false),
        (format!("{family}a_total 1\n# HELP a A.\n# EOF\n"), false),
        ("a_total 1\n# EOF\n".to_owned(), false),
        (format!("{family}{family}# EOF\n"), false),
    ] {
        assert_eq!(Exposition::parse(&text).is_ok(), is_right, "{text:?}");
    }
    let histogram = |buckets: &str| {
        format!("# HELP h H.\n# TYPE h histogram\nh_sum 1\nh_count 3\n{buckets}# EOF\n")
    };
    let right = histogram("h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n");
    assert!(Exposition::parse(&right).is_ok());
    for buckets in [
        "",
        "h_bucket{le=\"1.0\"} 3\n",
        "h_bucket{le=\"+Inf\"} 2\n",
        "h_bucket{le=\"1.0\"} 4\nh_bucket{le=\"+Inf\"} 3\n",
        "h_bucket{le=\"2.0\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n",
    ] {
        assert!(Exposition::parse(&histogram(buckets)).is_err(), "{buckets:?}");
    }
}
