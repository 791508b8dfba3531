//! What the evaluator says of itself.

use super::erf::erf;

#[test]
fn erf_agrees_with_tables() {
    // Abramowitz and Stegun, table 7.1.
    for (x, expected) in
        [(0.0, 0.0), (0.5, 0.5204998778), (1.0, 0.8427007929), (2.0, 0.9953222650), (-1.5, -0.9661051465)]
    {
        assert!((erf(x) - expected).abs() < 1e-10, "erf({x})");
    }
    assert_eq!(erf(7.0), 1.0);
}
