"""Enqueues tasks as an application with Celery does: a broker's URL and a number are its arguments."""

import sys

from celery import Celery

url, count = sys.argv[1], int(sys.argv[2])
app = Celery('shop', broker=url)


@app.task(name='shop.send_email')
def send_email(to, text=''):
    raise RuntimeError('no worker of Celery runs here')


for n in range(count):
    send_email.delay(f'user-{n}@example.com', text='hi')
send_email.apply_async((f'user-{count}@example.com',), countdown=3)
