package dev.sennit.benchmarks.engines;

import com.sun.net.httpserver.HttpServer;
import io.helidon.webserver.WebServer;
import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** One engine with one handler: reads the body and answers "Hello, world". Arguments: the engine, the port. */
final class Serve {
    private static final byte[] HELLO = "Hello, world\n".getBytes(StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor();
        switch (args[0]) {
            case "jetty" -> jetty(port, null);
            case "jetty-threads" -> jettyOwnThreads(port, null);
            case "jetty-own-virtual" -> jettyOwnThreads(port, virtual);
            case "jetty-virtual" -> jetty(port, virtual);
            case "undertow" -> undertow(port, null);
            case "undertow-virtual" -> undertow(port, virtual);
            case "helidon" -> WebServer.builder()
                    .host("127.0.0.1")
                    .port(port)
                    .routing(routing -> routing.any((request, response) -> {
                        try (InputStream body = request.content().inputStream()) {
                            body.skip(Long.MAX_VALUE);
                        }
                        response.send(HELLO);
                    }))
                    .build()
                    .start();
            case "jdk-virtual" -> {
                HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 1024);
                server.setExecutor(virtual);
                server.createContext("/", exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    exchange.sendResponseHeaders(200, HELLO.length);
                    exchange.getResponseBody().write(HELLO);
                    exchange.close();
                });
                server.start();
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.println("ready");
        Thread.currentThread().join();
    }

    /** The selector's thread parses; with an executor, a thread of that answers. */
    private static void jetty(int port, ExecutorService handlers) throws Exception {
        var threads = new QueuedThreadPool(16);
        var server = new Server(threads);
        var connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        server.addConnector(connector);
        server.setHandler(handlers == null ? new Handler.Abstract.NonBlocking() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                Content.Source.consumeAll(request, Callback.from(() -> send(response, callback), callback::failed));
                return true;
            }
        } : new Handler.Abstract.NonBlocking() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                handlers.execute(() -> {
                    try {
                        Content.Source.consumeAll(request);
                        send(response, callback);
                    } catch (Throwable e) {
                        callback.failed(e);
                    }
                });
                return true;
            }
        });
        server.start();
    }

    /**
     * Handlers run in the threads of Jetty, which may block: its strategy chooses who goes on to parse. With an
     * executor of virtual threads, in the way of sennit-server.
     */
    private static void jettyOwnThreads(int port, ExecutorService virtual) throws Exception {
        var threads = new QueuedThreadPool(200);
        threads.setVirtualThreadsExecutor(virtual);
        var server = new Server(threads);
        var connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        server.addConnector(connector);
        server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                Content.Source.consumeAll(request);
                send(response, callback);
                return true;
            }
        });
        server.start();
    }

    private static void send(Response response, Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, HELLO.length);
        response.write(true, ByteBuffer.wrap(HELLO), callback);
    }

    private static void undertow(int port, ExecutorService handlers) {
        Undertow.builder()
                .addHttpListener(port, "127.0.0.1")
                .setHandler(exchange -> {
                    if (handlers == null) {
                        exchange.getRequestReceiver().receiveFullBytes((of, _) -> send(of));
                    } else {
                        exchange.dispatch(handlers, () -> {
                            try {
                                exchange.startBlocking();
                                exchange.getInputStream().readAllBytes();
                                send(exchange);
                            } catch (Exception e) {
                                exchange.setStatusCode(400);
                                exchange.endExchange();
                            }
                        });
                    }
                })
                .build()
                .start();
    }

    private static void send(HttpServerExchange exchange) {
        exchange.getResponseSender().send(ByteBuffer.wrap(HELLO));
    }
}
