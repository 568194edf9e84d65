import torch

from engine.stylegan.encoder import Encoder, layers_of


def test_the_latents_of_the_layers_have_w_as_their_mean() -> None:
    torch.manual_seed(0)
    encoder = Encoder(w_dim=16, layers=10).requires_grad_(False)
    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    one_for_all = encoder(picture)
    assert torch.allclose(encoder.latents(picture), one_for_all[:, None].expand(-1, 10, -1))  # as it begins
    torch.nn.init.normal_(encoder.apart.get_parameter("1.weight"))
    apart = encoder.latents(picture)
    assert apart.shape == (2, 10, 16)
    assert (apart - one_for_all[:, None]).abs().max() > 0.1
    torch.testing.assert_close(apart.mean(dim=1), one_for_all)
    assert torch.equal(encoder(picture), one_for_all)


def test_its_state_says_how_many_layers_it_is_for() -> None:
    assert layers_of(Encoder(w_dim=16, layers=10).state_dict()) == 10
    assert layers_of(Encoder(w_dim=16).state_dict()) == 1
    assert Encoder(w_dim=16).latents(torch.zeros(3, 3, 32, 32)).shape == (3, 1, 16)
