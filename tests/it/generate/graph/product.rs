//! Matrix products.

use super::quantized;
use super::sketch::{Sketch, Var, attribute, attributes};
use bn_tool::onnx::element::FloatType;

pub fn gemm(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let &[rows, columns] = &x.shape[..] else { return None };
    let (flip, turned) = (sketch.dice.chance(20), sketch.dice.chance(50));
    let (m, k) = if flip { (columns, rows) } else { (rows, columns) };
    let n = 1 + sketch.dice.below(6);
    let weight = quantized::weight(sketch, &if turned { [n, k] } else { [k, n] }, usize::from(!turned));
    let c = match sketch.dice.below(6) {
        0 if sketch.opset >= 11 => String::new(),
        at => {
            let shape = [vec![n], vec![n], vec![1], vec![1, n], vec![m, 1], vec![m, n]][at].clone();
            format!(", {}", sketch.floats(&shape, -1.0, 1.0))
        }
    };
    let mut list = vec![attribute("transA", i32::from(flip)), attribute("transB", i32::from(turned))];
    if sketch.dice.chance(40) {
        let factors = [0.5, 2.0, -0.25, 1.0, 0.0];
        list.push(attribute("alpha", sketch.pick(&factors)));
        list.push(attribute("beta", sketch.pick(&factors)));
    }
    sketch.add(&format!("Gemm {}({}, {weight}{c})", attributes(&list), x.name), &[m, n])
}

/// MatMul with a constant on the right or on the left, which may have batch axes.
pub fn matmul(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let rank = x.rank();
    let outer = x.shape.get(..rank.checked_sub(2)?)?;
    let (rows, columns) = (x.shape[rank - 2], x.shape[rank - 1]);
    let n = if sketch.dice.chance(30) { columns } else { 1 + sketch.dice.below(6) };
    let batch = match sketch.dice.below(4) {
        0 => outer.to_vec(),
        1 => outer.iter().map(|length| if sketch.dice.chance(50) { *length } else { 1 }).collect(),
        _ => Vec::new(),
    };
    if sketch.dice.chance(25) {
        let weight = sketch.floats(&[&batch[..], &[n, rows]].concat(), -1.0, 1.0);
        return sketch.add(&format!("MatMul ({weight}, {})", x.name), &[outer, &[n, columns]].concat());
    }
    let weight = quantized::weight(sketch, &[&batch[..], &[columns, n]].concat(), batch.len() + 1);
    sketch.add(&format!("MatMul ({}, {weight})", x.name), &[outer, &[rows, n]].concat())
}

/// MatMul and a bias for its columns.
pub fn matmul_add(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let columns = *x.shape.last().filter(|_| x.rank() > 1)?;
    let n = 1 + sketch.dice.below(6);
    let weight = sketch.floats(&[columns, n], -1.0, 1.0);
    let shape = [&x.shape[..x.rank() - 1], &[n]].concat();
    let product = sketch.add(&format!("MatMul ({}, {weight})", x.name), &shape)?;
    let bias = sketch.floats(&[n], -1.0, 1.0);
    sketch.add(&format!("Add ({bias}, {})", product.name), &shape)
}

pub fn einsum(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    // Not of bfloat16.
    if sketch.opset < 12 || sketch.element == FloatType::Bf16 {
        return None;
    }
    let n = 1 + sketch.dice.below(4);
    let (equation, weight, output) = match (&x.shape[..], sketch.dice.below(3)) {
        (&[a, b], 0) => ("ab,bd->ad", vec![b, n], vec![a, n]),
        (&[a, b], _) => ("ab,db->ad", vec![n, b], vec![a, n]),
        (&[a, b, c], 0) => ("abc,db->adc", vec![n, b], vec![a, n, c]),
        (&[a, b, c], 1) => ("abc,cd->abd", vec![c, n], vec![a, b, n]),
        (&[a, b, c], _) => ("abc,bcd->abd", vec![b, c, n], vec![a, b, n]),
        (&[a, b, c, d], 0) => ("abcd,eb->aecd", vec![n, b], vec![a, n, c, d]),
        (&[a, b, c, d], _) => ("...d,de", vec![d, n], vec![a, b, c, n]),
        _ => return None,
    };
    let weight = sketch.floats(&weight, -1.0, 1.0);
    sketch.add(&format!("Einsum <equation = \"{equation}\"> ({}, {weight})", x.name), &output)
}
