//! Scan-9, 11, 16…

use super::call::{Call, Outputs, axis};
use super::control_flow::{body, run};
use super::graph::Scope;
use super::value::{Result, Value};
use ndarray::{ArrayD, Axis};

/// `(state…, scanned…) → (state…, stacked…)`: the body runs once for each position of the
/// scanned axes.
pub fn scan(scope: &Scope, call: &Call) -> Outputs {
    let body = body(call, "body")?;
    let inputs: Vec<Value> = call.all()?.into_iter().cloned().collect();
    let count = call.int("num_scan_inputs", 0) as usize;
    let states = inputs.len().checked_sub(count).ok_or("too few inputs")?;
    let (mut state, scanned) = (inputs[..states].to_vec(), &inputs[states..]);
    let along = axes(call, "scan_input_axes", scanned)?;
    let steps = scanned.first().ok_or("nothing is scanned")?.data.len_of(along[0]);
    let backwards = call.ints("scan_input_directions").unwrap_or_else(|| vec![0; count]);
    let mut stacked = vec![Vec::new(); body.output.len() - states];
    for step in 0..steps {
        let element = |(index, value): (usize, &Value)| {
            let at = if backwards[index] == 1 { steps - 1 - step } else { step };
            Value::new(value.data.index_axis(along[index], at).to_owned(), value.kind)
        };
        let arguments = state.iter().cloned().chain(scanned.iter().enumerate().map(element)).collect();
        let mut results = run(scope, body, arguments)?;
        for (list, value) in stacked.iter_mut().zip(results.split_off(states)) {
            list.push(value);
        }
        state = results;
    }
    let outputs = stacked.into_iter().enumerate().map(|(index, list)| join(call, index, list));
    state.into_iter().map(Ok).chain(outputs).collect()
}

fn axes(call: &Call, name: &str, values: &[Value]) -> Result<Vec<Axis>> {
    let list = call.ints(name).unwrap_or_else(|| vec![0; values.len()]);
    values.iter().zip(list).map(|(value, one)| axis(one, value.data.ndim()).map(Axis)).collect()
}

/// The elements of one scan output along its axis, in its direction.
fn join(call: &Call, index: usize, mut values: Vec<Value>) -> Result<Value> {
    let of = |name: &str| call.ints(name).and_then(|list| list.get(index).copied()).unwrap_or(0);
    let first = values.first().ok_or("a scan output of no iteration")?.clone();
    if of("scan_output_directions") == 1 {
        values.reverse();
    }
    let along = Axis(axis(of("scan_output_axes"), first.data.ndim() + 1)?);
    let views: Vec<_> = values.iter().map(|value| value.data.view()).collect();
    let data: ArrayD<f64> = ndarray::stack(along, &views).map_err(|error| error.to_string())?;
    Ok(Value::new(data, first.kind))
}
