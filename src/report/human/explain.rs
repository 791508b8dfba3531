//! What refusal codes mean, for people.

use super::words::BOLD;
use crate::refusal::Code;
use crate::report::table::{Cell, render};

/// All codes with what they mean.
pub fn explain_all() -> String {
    let rows = Code::ALL.map(|code| vec![Cell::styled(code.name(), BOLD), Cell::text(code.explanation().what)]);
    render(&rows)
}

/// One code in full.
pub fn explain(code: Code) -> String {
    let explanation = code.explanation();
    format!(
        "{BOLD}{code}{BOLD:#}\n\n{}\n\n{BOLD}Why it is kept:{BOLD:#} {}\n\n{BOLD}What to do:{BOLD:#} {}\n",
        explanation.what, explanation.why, explanation.remedy
    )
}
