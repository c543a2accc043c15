"""Sends callbacks with Python's HTTP client until nothing listens any more. Prints how many were answered, and of each that
was not, when its connection was opened."""

import http.client
import sys
import threading
import time
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
lock = threading.Lock()
answered = 0
lost = []


def call():
    global answered
    while True:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        opened = int(time.time() * 1000)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return
        except OSError:
            continue
        try:
            is_open = True
            while is_open:
                connection.request("POST", url.path, "{}", {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                is_open = not answer.will_close
                with lock:
                    answered += 1
        except (OSError, http.client.HTTPException):
            with lock:
                lost.append(opened)
        connection.close()


threads = [threading.Thread(target=call) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(answered, *lost)
