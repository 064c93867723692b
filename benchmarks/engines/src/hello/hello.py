"""Answers "Hello, world": by WSGI for gunicorn, by ASGI for uvicorn, and with aiohttp in so many processes."""
import os
import sys

HELLO = b'Hello, world\n'


def wsgi(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(HELLO)))])
    return [HELLO]


async def asgi(scope, receive, send):
    assert scope['type'] == 'http'
    await send({'type': 'http.response.start', 'status': 200,
                'headers': [(b'content-type', b'text/plain'), (b'content-length', str(len(HELLO)).encode())]})
    await send({'type': 'http.response.body', 'body': HELLO})


def aiohttp(port, processes):
    from aiohttp import web

    async def hello(request):
        return web.Response(body=HELLO, content_type='text/plain')

    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    app = web.Application()
    app.router.add_get('/', hello)
    web.run_app(app, host='127.0.0.1', port=port, reuse_port=True, access_log=None, print=None)


if __name__ == '__main__':
    aiohttp(int(sys.argv[1]), int(sys.argv[2]))
