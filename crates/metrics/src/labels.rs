//! The values of labels.

/// Makes an enum whose variants are the values of a label.
macro_rules! values {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $value:literal])+ $variant:ident: $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $value])+ $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The label's value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

values! {
    /// What came of a pull: of asking one vendor for one symbol.
    PullOutcome {
        /// Prices came and were loaded.
        Loaded: "loaded",
        /// The vendor says that nothing changed.
        Unchanged: "unchanged",
        /// An answer came that could not be loaded, and was filed as a dead letter.
        DeadLetter: "dead_letter",
        /// The vendor gave no prices.
        Refused: "refused",
        /// The database or the archive failed.
        Failed: "failed",
        /// The worker was asked to stop before it was done.
        Cancelled: "cancelled",
        /// The claim was given back and nothing was asked.
        GivenBack: "given_back",
    }
}

impl PullOutcome {
    /// Whether the pull came to its end, so that its duration says something.
    pub(crate) const fn is_end(self) -> bool {
        !matches!(self, Self::Cancelled | Self::GivenBack)
    }
}

values! {
    /// What became of a response's file.
    ResponseOutcome {
        /// Parsed and loaded.
        Loaded: "loaded",
        /// Loaded before.
        AlreadyLoaded: "already_loaded",
        /// Filed as a dead letter.
        DeadLetter: "dead_letter",
        /// Filed as a dead letter before.
        AlreadyDead: "already_dead",
        /// Another worker has it in hand.
        InOtherHands: "in_other_hands",
        /// Not taken into the archive.
        Refused: "refused",
        /// The database or the archive failed.
        Failed: "failed",
    }
}

values! {
    /// How a run of a periodic task ended.
    TaskOutcome {
        /// It did its work.
        Done: "done",
        /// It returned an error.
        Failed: "failed",
        /// It panicked.
        Panicked: "panicked",
    }
}
