from bot.conftest import emulation, stage

__all__ = ["emulation", "stage"]
