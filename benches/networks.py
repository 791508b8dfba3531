#!/usr/bin/env python3
"""Exports well-known networks with every BatchNormalization kept, to measure with.

    python3 benches/networks.py FOLDER [NAME...]

Needs torch, torchvision and timm. Weights are random, and so are the parameters of each BatchNormalization: with those
that a new network has, γ = 1, β = 0, μ = 0, σ² = 1, a wrong fold would not show. Files that are there already stay.
"""

import sys
from pathlib import Path

# By name: the package, and how high and wide its images are.
NETWORKS = {
    "resnet50": ("torchvision", 224),
    "vgg16_bn": ("torchvision", 224),
    "densenet121": ("torchvision", 224),
    "efficientnet_b0": ("torchvision", 224),
    "shufflenet_v2_x1_0": ("torchvision", 224),
    "inception_v3": ("torchvision", 299),
    "repvgg_a0": ("timm", 224),
    "levit_128s": ("timm", 224),
}


def network(name):
    """A network in inference mode, the same one each time."""
    import torch

    torch.manual_seed(0)
    if NETWORKS[name][0] == "timm":
        import timm

        module = timm.create_model(name, pretrained=False)
    else:
        import torchvision

        module = torchvision.models.get_model(name, weights=None)
    for norm in module.modules():
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias, 0, 0.1)
            torch.nn.init.normal_(norm.running_mean, 0, 0.1)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return module.eval()


def export(name, path):
    """Writes a network for batches of any size."""
    import torch

    size = NETWORKS[name][1]
    torch.onnx.export(
        network(name),
        (torch.zeros(1, 3, size, size),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
        training=torch.onnx.TrainingMode.PRESERVE,  # EVAL would fold every BatchNormalization
        do_constant_folding=False,
    )


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        path = folder / f"{name}.onnx"
        if not path.exists():
            export(name, path)
        print(path)


if __name__ == "__main__":
    main()
