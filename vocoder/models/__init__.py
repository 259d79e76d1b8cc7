"""One vocoder a file; a new file here is found by the training script, the command lines and the contract tests."""
