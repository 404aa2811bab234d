"""Transfer learning on pretrained backbones, as the steps of a DVC pipeline."""
