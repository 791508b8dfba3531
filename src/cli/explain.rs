//! `bn-tool explain`

use super::error::Failure;
use super::{Status, write_report};
use crate::refusal::Code;
use crate::report::human;
use clap::Args;

/// Explain why a BatchNormalization is kept: what a code means, why, and what to do.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool explain                   # list all codes
  bn-tool explain other-reader

Exit status:
  0  done
  2  no such code")]
pub struct Options {
    /// The code, as reports show it; without it, all are listed.
    code: Option<String>,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        let text = match &self.code {
            None => human::explain_all(),
            Some(name) => {
                let unknown = || Failure::Usage(format!("no code `{name}`; `bn-tool explain` lists them all"));
                human::explain(Code::from_name(name).ok_or_else(unknown)?)
            }
        };
        write_report(&text, false)?;
        Ok(Status::Done)
    }
}
