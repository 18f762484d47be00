"""The web application and REST API on loopback: FastAPI, with NiceGUI's pages beside it. No torch, and never `learn`."""
