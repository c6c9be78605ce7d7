//! Text that is not data, of which the vendor's pages mostly consist.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::Rng;

const WORDS: [&str; 32] = [
    "churn", "ledger", "meadow", "quarter", "barrel", "harbour", "copper", "lantern", "margin",
    "orchard", "parcel", "quorum", "river", "saddle", "tariff", "urchin", "velvet", "wicker",
    "yonder", "zephyr", "anvil", "bramble", "cinder", "dapple", "ember", "fallow", "gable",
    "hollow", "inlet", "juniper", "kettle", "linden",
];

/// Pieces of text, each whole in itself, so that any number of them is well formed.
pub(crate) struct Filler {
    pieces: Vec<String>,
    separator: &'static str,
}

impl Filler {
    /// List items with links, as navigation and footers have them.
    pub(crate) fn markup() -> &'static Self {
        static FILLER: OnceLock<Filler> = OnceLock::new();
        FILLER.get_or_init(|| {
            let piece = |rng: &mut Rng, index: usize| {
                let (words, word) = (words(rng, 4), WORDS[rng.below(WORDS.len())]);
                format!(
                    "<li class=\"item cm-{:06x}\"><!-- {word} --><a href=\"/own/{word}?n={index}\
                     &amp;view=all\" data-note=\"{word}\">{words}</a> <svg viewBox=\"0 0 24 24\">\
                     <path d=\"M{} {}h2v{}z\"/></svg></li>",
                    rng.bits() >> 40,
                    rng.below(24),
                    rng.below(24),
                    rng.below(24),
                )
            };
            Self::of(1, piece, "")
        })
    }

    /// The objects of a JSON list, escaped to stand within a JSON string.
    pub(crate) fn escaped_json() -> &'static Self {
        static FILLER: OnceLock<Filler> = OnceLock::new();
        FILLER.get_or_init(|| {
            let piece = |rng: &mut Rng, index: usize| {
                format!(
                    "{{\\\"id\\\":{index},\\\"headline\\\":\\\"{}\\\",\\\"summary\\\":\\\"{}\\\",\
                     \\\"score\\\":{:.4},\\\"link\\\":\\\"/own/{:x}\\\"}}",
                    words(rng, 5),
                    words(rng, 12),
                    rng.between(-5.0, 5.0),
                    rng.bits(),
                )
            };
            Self::of(2, piece, ",")
        })
    }

    /// Statements of a script.
    pub(crate) fn script() -> &'static Self {
        static FILLER: OnceLock<Filler> = OnceLock::new();
        FILLER.get_or_init(|| {
            let piece = |rng: &mut Rng, index: usize| {
                let (word, words) = (WORDS[rng.below(WORDS.len())], words(rng, 6));
                format!("own.{word}[{index}]=function(a){{return a<{}&&\"{words}\"}};", index + 3)
            };
            Self::of(3, piece, "")
        })
    }

    fn of(seed: u64, piece: impl Fn(&mut Rng, usize) -> String, separator: &'static str) -> Self {
        let mut rng = Rng::new(seed);
        Self { pieces: (0..256).map(|index| piece(&mut rng, index)).collect(), separator }
    }

    /// Appends whole pieces until at least `bytes` are written; nothing where `bytes` is 0.
    pub(crate) fn write(&self, out: &mut Vec<u8>, bytes: usize, rng: &mut Rng) {
        out.reserve(bytes);
        let end = out.len() + bytes;
        let mut is_first = true;
        while out.len() < end {
            if !is_first {
                out.extend_from_slice(self.separator.as_bytes());
            }
            is_first = false;
            out.extend_from_slice(self.pieces[rng.below(self.pieces.len())].as_bytes());
        }
    }
}

fn words(rng: &mut Rng, count: usize) -> String {
    let mut out = String::new();
    for _ in 0..count {
        if !out.is_empty() {
            out.push(' ');
        }
        write!(out, "{}", WORDS[rng.below(WORDS.len())]).unwrap();
    }
    out
}
