/// Why the operator cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("lease {namespace}/{name} was lost: {why}")]
    LeaseLost { namespace: String, name: String, why: String },
    #[error("{what}: {source}")]
    Api { what: String, source: kube::Error },
    #[error("{0}")]
    Config(String),
}

impl Error {
    pub fn api(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        |source| Self::Api { what, source }
    }

    /// A closed set, for logs and exit paths.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LeaseLost { .. } => "LeaseLost",
            Self::Api { .. } => "Api",
            Self::Config(_) => "Config",
        }
    }
}

/// The API server's own words, without the request.
pub fn reason(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => snc_core::text::clip(&status.message, 400),
        other => snc_core::text::clip(&other.to_string(), 400),
    }
}

pub fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}
