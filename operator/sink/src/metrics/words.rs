//! What labels may be.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How an event came.
    Source {
        Webhook = "webhook",
        File = "file",
        /// What the sink itself says.
        Sink = "sink",
    }
}

words! {
    /// What became of an event that came.
    Took {
        Stored = "stored",
        /// It was there already.
        Duplicate = "duplicate",
        Unreadable = "unreadable",
    }
}

words! {
    /// Why a request was not taken.
    Refused {
        /// Too much is under way.
        Shed = "shed",
        /// The journal could not be written.
        Failed = "failed",
        TooLarge = "too-large",
        Malformed = "malformed",
        /// A certificate that is nobody's.
        Stranger = "stranger",
        /// It took too long to come.
        Late = "late",
    }
}

words! {
    /// What became of a marked call.
    Marking {
        Webhook = "webhook",
        File = "file",
        /// Its event did not come in time.
        Missed = "missed",
        /// It could not be made.
        Failed = "failed",
    }
}

words! {
    Volume {
        Data = "data",
        Store = "store",
    }
}
