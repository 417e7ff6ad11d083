"""The web server of `./dev run`; production uses this file too and says `--bind` where the proxy expects it."""

import os

bind = f"127.0.0.1:{os.environ.get('PORT', '5000')}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 4
preload_app = True  # the workers share the memory of what is loaded once
graceful_timeout = 10
timeout = 60
loglevel = "warning"
accesslog = None  # the application writes its own structured log
control_socket_disable = True  # nothing outside of this folder is written
