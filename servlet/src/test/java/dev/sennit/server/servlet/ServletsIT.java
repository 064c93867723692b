package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.ServerSettings;
import dev.sennit.server.ServletServer;
import jakarta.annotation.security.RunAs;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.WriteListener;
import jakarta.servlet.annotation.HttpConstraint;
import jakarta.servlet.annotation.MultipartConfig;
import jakarta.servlet.annotation.ServletSecurity;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.annotation.WebInitParam;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.Part;
import java.io.File;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servlets in the server, over sockets: what they do, and that the limits of the server hold for them. */
@Timeout(120)
class ServletsIT {
    private static final Duration SHORT = Duration.ofMillis(500);
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String KEEP = "GET %s HTTP/1.1\r\nHost: a\r\n\r\n";

    /** What the Servlets note. */
    static final BlockingQueue<String> NOTES = new LinkedBlockingQueue<>();

    /** Asynchronous requests that their test completes. */
    static final BlockingQueue<AsyncContext> HELD = new LinkedBlockingQueue<>();

    /** Lets {@link SlowReader} go on. */
    static final Semaphore MAY_READ = new Semaphore(0);

    @BeforeEach
    void clear() {
        NOTES.clear();
        HELD.clear();
    }

    private static String note() throws InterruptedException {
        return String.valueOf(NOTES.poll(20, TimeUnit.SECONDS));
    }

    // ---- the Servlets ----

    @WebServlet(urlPatterns = "/plain/*", initParams = @WebInitParam(name = "greeting", value = "hello"))
    @MultipartConfig
    static final class Plain extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/plain;charset=utf-8");
            if (request.getParameter("session") != null) {
                var session = request.getSession();
                Integer count = (Integer) session.getAttribute("count");
                session.setAttribute("count", count == null ? 1 : count + 1);
                response.getWriter().print(session.getAttribute("count"));
                return;
            }
            response.getWriter().print(getInitParameter("greeting") + " " + request.getPathInfo());
        }

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response)
                throws IOException, ServletException {
            if (String.valueOf(request.getContentType()).startsWith("multipart/")) {
                for (Part part : request.getParts()) {
                    response.getWriter().println(part.getName() + " " + part.getSubmittedFileName() + " "
                            + new String(part.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
                }
                return;
            }
            byte[] body = request.getInputStream().readAllBytes();
            response.getOutputStream().write(body);
        }
    }

    @WebFilter(urlPatterns = "/*", dispatcherTypes = DispatcherType.REQUEST, asyncSupported = true)
    static final class Stamp implements Filter {
        @Override
        public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            ((HttpServletResponse) response).setHeader("X-Stamp", "yes");
            chain.doFilter(request, response);
        }
    }

    static final class Life implements ServletContextListener {
        @Override
        public void contextInitialized(ServletContextEvent event) {
            NOTES.add("begins");
        }

        @Override
        public void contextDestroyed(ServletContextEvent event) {
            NOTES.add("ends");
        }
    }

    static final class BadListener implements ServletContextListener {
        @Override
        public void contextInitialized(ServletContextEvent event) {
            throw new IllegalStateException("no database");
        }
    }

    @WebServlet("/throws")
    static final class Throws extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if (request.getParameter("begun") != null) {
                response.getWriter().print("part");
                response.flushBuffer();
            }
            throw new IllegalStateException("on purpose");
        }
    }

    @WebServlet("/stuck")
    static final class Stuck extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if (request.getParameter("begun") != null) {
                response.getWriter().print("part");
                response.flushBuffer();
            }
            try {
                NOTES.add("waits");
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                NOTES.add("interrupted");
            }
        }
    }

    @WebServlet(urlPatterns = "/async", asyncSupported = true)
    static final class Async extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if (request.getDispatcherType() == DispatcherType.ASYNC) {
                response.getWriter().print("dispatched in "
                        + (Thread.currentThread().isVirtual() ? "a virtual thread" : "another thread"));
                return;
            }
            AsyncContext async = request.startAsync();
            async.addListener(new AsyncListener() {
                @Override
                public void onComplete(AsyncEvent event) {
                    NOTES.add("complete");
                }

                @Override
                public void onTimeout(AsyncEvent event) throws IOException {
                    NOTES.add("timeout");
                    ((HttpServletResponse) event.getSuppliedResponse()).sendError(504);
                    event.getAsyncContext().complete();
                }

                @Override
                public void onError(AsyncEvent event) {
                    NOTES.add("error");
                }

                @Override
                public void onStartAsync(AsyncEvent event) {
                    // once more
                }
            }, request, response);
            String timeout = request.getParameter("timeout");
            async.setTimeout(timeout == null ? 0 : Long.parseLong(timeout));
            if (request.getParameter("start") != null) {
                async.start(() -> {
                    try {
                        NOTES.add("started");
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        NOTES.add("interrupted");
                    }
                });
            }
            HELD.add(async);
        }
    }

    /** Echoes without blocking. */
    @WebServlet(urlPatterns = "/echo", asyncSupported = true)
    static final class Echo extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            AsyncContext async = request.startAsync();
            ServletInputStream in = request.getInputStream();
            ServletOutputStream out = response.getOutputStream();
            byte[] buffer = new byte[1000];
            var both = new Object() {
                private int ready;
                private boolean isDone;

                synchronized void go() throws IOException {
                    while (!isDone && out.isReady()) {
                        if (ready > 0) {
                            out.write(buffer, 0, ready);
                            ready = 0;
                        } else if (in.isFinished()) {
                            isDone = true;
                            async.complete();
                        } else if (in.isReady()) {
                            ready = in.read(buffer);
                        } else {
                            return;
                        }
                    }
                }
            };
            in.setReadListener(new ReadListener() {
                @Override
                public void onDataAvailable() throws IOException {
                    both.go();
                }

                @Override
                public void onAllDataRead() throws IOException {
                    both.go();
                }

                @Override
                public void onError(Throwable failure) {
                    NOTES.add("read: " + failure.getMessage());
                    async.complete();
                }
            });
            out.setWriteListener(new WriteListener() {
                @Override
                public void onWritePossible() throws IOException {
                    both.go();
                }

                @Override
                public void onError(Throwable failure) {
                    NOTES.add("write: " + failure.getMessage());
                    async.complete();
                }
            });
        }
    }

    /** Has the head of a response ready, and does not send it. */
    @WebServlet("/described")
    static final class Described extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) {
            response.setStatus(201);
            response.setHeader("Content-Encoding", "gzip");
            response.setHeader("ETag", "\"1\"");
            response.setHeader("Cache-Control", "public, max-age=3600");
            response.setHeader("Set-Cookie", "a=b");
            response.setTrailerFields(() -> Map.of("Checksum", "1"));
            boolean isBusy = request.getParameter("busy") != null;
            try {
                for (int i = 0; isBusy && !Thread.interrupted(); i++) {
                    response.addHeader("X-" + i % 100, "busy");
                    if (i % 100 == 0) {
                        response.reset();
                    }
                    if (i % 5000 == 0) {
                        Thread.yield();
                    }
                }
                for (int i = 0; i < 20_000 && isBusy; i++) { // the cut goes on in the meantime
                    response.addHeader("X-" + i % 100, "busy");
                    response.setStatus(202);
                }
                if (!isBusy) {
                    new CountDownLatch(1).await();
                }
            } catch (InterruptedException e) {
                NOTES.add("interrupted");
            }
        }
    }

    /** Dispatches to itself when it has been interrupted. */
    @WebServlet(urlPatterns = "/again", asyncSupported = true)
    static final class Again extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) {
            boolean isAgain = request.getDispatcherType() == DispatcherType.ASYNC;
            try {
                boolean isOver = new CountDownLatch(1).await(20, TimeUnit.SECONDS);
                NOTES.add("waited " + isOver);
            } catch (InterruptedException e) {
                NOTES.add(isAgain ? "interrupted again" : "interrupted");
            }
            if (!isAgain) {
                request.startAsync().dispatch();
            }
        }
    }

    @WebServlet(name = "Admin", urlPatterns = {"/admin", "/secret"})
    static final class Admin extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.getWriter().print("secret of " + getServletName());
        }
    }

    /** Lets nobody pass. */
    static class Login implements Filter {
        @Override
        public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException {
            ((HttpServletResponse) response).sendError(401);
        }
    }

    @WebFilter(servletNames = "Admin")
    static final class AdminLogin extends Login {}

    /** Names a Servlet that has no name of its own. */
    @WebFilter(servletNames = "dev.sennit.server.servlet.ServletsIT$Plain")
    static final class PlainLogin extends Login {}

    @WebFilter
    static final class LoginForNothing extends Login {}

    @WebServlet("/roles")
    @ServletSecurity(@HttpConstraint(rolesAllowed = "admin"))
    static class Guarded extends HttpServlet {
        private static final long serialVersionUID = 1L;
    }

    /** Has the annotation from its parent. */
    @WebServlet("/roles")
    static final class GuardedToo extends Guarded {
        private static final long serialVersionUID = 1L;
    }

    @WebServlet("/as")
    @RunAs("admin")
    static final class AsAdmin extends HttpServlet {
        private static final long serialVersionUID = 1L;
    }

    @WebServlet("/upload")
    @MultipartConfig
    static final class Upload extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response)
                throws IOException, ServletException {
            Part part = request.getParts().iterator().next();
            part.write("kept");
            File folder = (File) getServletContext().getAttribute(ServletContext.TEMPDIR);
            response.getWriter().print(new File(folder, "kept").exists() + " " + folder);
        }
    }

    private static ServletServer serve(ServerSettings settings, Class<?>... types) throws Exception {
        return new ServletServer(ServletApplication.of(types), settings);
    }

    // ---- what is served ----

    @ParameterizedTest
    @ValueSource(strings = {"virtual:8", "threads:2"})
    void servletsAnswer(String on) throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS.on(on), Plain.class, Stamp.class, Life.class)) {
            assertThat(note()).isEqualTo("begins");
            assertThat(server.get("/plain/a%20b")).startsWith("HTTP/1.1 200 OK\r\n")
                    .contains("X-Stamp: yes\r\n", "Connection: close\r\n").endsWith("\r\n\r\nhello /a b");
            assertThat(server.post("/plain", "x".repeat(30_000))).startsWith("HTTP/1.1 200 ")
                    .contains("Transfer-Encoding: chunked").endsWith("xxx\r\n0\r\n\r\n");
            assertThat(server.get("/none")).startsWith("HTTP/1.1 404 ").doesNotContain("etty", "\tat ");
            String first = server.get("/plain?session=1");
            assertThat(first).endsWith("\r\n\r\n1").contains("HttpOnly");
            String cookie = first.replaceAll("(?s).*Set-Cookie: ([^;]*);.*", "$1");
            assertThat(server.exchange("GET /plain?session=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: "
                    + cookie + "\r\n\r\n")).endsWith("\r\n\r\n2");
            String parts = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\nbytes\r\n"
                    + "--x--\r\n";
            assertThat(server.exchange("POST /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: " + parts.length() + "\r\n\r\n"
                    + parts)).contains("photo a.jpg bytes");
            assertThat(server.worked).hasValue(6);
        }
        assertThat(note()).isEqualTo("ends");
    }

    @Test
    void uploadsAreInAFolderThatGoes() throws Exception {
        String form = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\nbytes\r\n"
                + "--x--\r\n";
        String answer;
        try (var server = serve(ServerSettings.DEFAULTS, Upload.class)) {
            answer = server.exchange("POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: " + form.length() + "\r\n\r\n"
                    + form);
        }
        assertThat(answer).contains("\r\n\r\ntrue ").containsPattern("/sennit-servlets-[0-9]+/work$");
        assertThat(Path.of(answer.substring(answer.indexOf("true ") + 5))).doesNotExist();
    }

    @Test
    void servletsThatFail() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS, Throws.class)) {
            assertThat(server.get("/throws")).startsWith("HTTP/1.1 500 ").doesNotContain("on purpose", "\tat ");
            String begun = server.get("/throws?begun=1");
            assertThat(begun).startsWith("HTTP/1.1 200 ").contains("part").doesNotEndWith("0\r\n\r\n");
            assertThat(server.get("/throws")).startsWith("HTTP/1.1 500 ");
        }
    }

    @Test
    void whatCannotBeStartedSaysWhy() {
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, BadListener.class).close())
                .hasMessageContaining("no database").hasMessageContaining("BadListener");
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, String.class).close())
                .hasMessageContaining("class java.lang.String is no Servlet");
    }

    @Test
    void filtersProtectTheServletsThatTheyName() throws Exception {
        try (var server =
                serve(ServerSettings.DEFAULTS, AdminLogin.class, PlainLogin.class, Admin.class, Plain.class)) {
            assertThat(server.get("/admin")).startsWith("HTTP/1.1 401 ");
            assertThat(server.get("/secret")).startsWith("HTTP/1.1 401 ");
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 401 ");
        }
        try (var server = serve(ServerSettings.DEFAULTS, AdminLogin.class, Admin.class, Plain.class)) {
            assertThat(server.get("/admin")).startsWith("HTTP/1.1 401 ");
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 200 ");
        }
        try (var server = serve(ServerSettings.DEFAULTS, Admin.class)) {
            assertThat(server.get("/admin")).endsWith("secret of Admin");
        }
    }

    @Test
    void protectionThatWouldBeNoneIsRefused() {
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, AdminLogin.class, Plain.class).close())
                .hasMessageContaining("filter " + AdminLogin.class.getName() + " names the Servlet Admin, and there is"
                        + " none of that name");
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, LoginForNothing.class, Plain.class).close())
                .hasMessageContaining("filter " + LoginForNothing.class.getName()
                        + " is for nothing: its @WebFilter has no urlPatterns and no servletNames");
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, Guarded.class).close())
                .hasMessageContaining(Guarded.class.getName() + " has @ServletSecurity");
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, GuardedToo.class).close())
                .hasMessageContaining(GuardedToo.class.getName() + " has @ServletSecurity");
        assertThatThrownBy(() -> serve(ServerSettings.DEFAULTS, AsAdmin.class).close())
                .hasMessageContaining(AsAdmin.class.getName() + " has @RunAs");
    }

    @Test
    void asynchronousRequestsComplete() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS, Async.class, Echo.class); Socket client = server.connect()) {
            ServletServer.send(client, KEEP.formatted("/async"));
            HELD.take().dispatch();
            assertThat(ServletServer.head(client)).startsWith("HTTP/1.1 200 ");
            assertThat(new String(client.getInputStream().readNBytes(30), StandardCharsets.UTF_8))
                    .isEqualTo("dispatched in a virtual thread");
            assertThat(note()).isEqualTo("complete");

            ServletServer.send(client, KEEP.formatted("/async"));
            AsyncContext held = HELD.take();
            held.getResponse().getWriter().print("done");
            held.complete();
            assertThat(ServletServer.head(client)).startsWith("HTTP/1.1 200 ").contains("Content-Length: 4");
            assertThat(new String(client.getInputStream().readNBytes(4), StandardCharsets.UTF_8)).isEqualTo("done");
            assertThat(note()).isEqualTo("complete");

            ServletServer.send(client, KEEP.formatted("/async?timeout=200"));
            assertThat(ServletServer.head(client)).startsWith("HTTP/1.1 504 ");
            assertThat(note()).isEqualTo("timeout");
            assertThat(note()).isEqualTo("complete");

            assertThat(server.post("/echo", "y".repeat(100_000))).startsWith("HTTP/1.1 200 ")
                    .contains("y".repeat(1000));
        }
    }

    // ---- limits ----

    @Test
    void anAsynchronousRequestHoldsItsPlaceUntilItIsCompleted() throws Exception {
        var one = ServerSettings.DEFAULTS.on("virtual:1").queue(1);
        try (var server = serve(one, Async.class, Plain.class);
                Socket first = server.connect();
                Socket second = server.connect()) {
            ServletServer.send(first, KEEP.formatted("/async"));
            AsyncContext held = HELD.take();
            ServletServer.send(second, KEEP.formatted("/plain/x"));
            Waiting.until(() -> server.queued() == 1);
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 503 ").contains("Retry-After: 1");
            held.complete();
            assertThat(ServletServer.head(first)).startsWith("HTTP/1.1 200 ");
            assertThat(ServletServer.head(second)).startsWith("HTTP/1.1 200 ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:1", "threads:1"})
    void theDeadlineInterruptsServlets(String on) throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS.on(on).deadline(SHORT), Stuck.class, Plain.class)) {
            assertThat(server.get("/stuck")).startsWith("HTTP/1.1 503 ").contains("Connection: close");
            assertThat(note()).isEqualTo("waits");
            assertThat(note()).isEqualTo("interrupted");
            assertThat(server.get("/stuck?begun=1")).startsWith("HTTP/1.1 200 ").doesNotEndWith("0\r\n\r\n");
            assertThat(note()).isEqualTo("waits");
            assertThat(note()).isEqualTo("interrupted");
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 200 "); // the place is free again
            assertThat(server.broken).isNotDone();
        }
    }

    @Test
    void theAnswerAtTheDeadlineHasNothingOfTheServlets() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS.deadline(SHORT), Described.class)) {
            assertThat(server.get("/described")).startsWith("HTTP/1.1 503 ").contains("Retry-After: 1", "took too long")
                    .doesNotContain("Content-Encoding", "ETag", "Cache-Control", "Set-Cookie", "Trailer");
        }
    }

    @Test
    void theAnswerAtTheDeadlineComesWhileAServletSetsFields() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS.deadline(SHORT), Described.class);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                answers.add(clients.submit(() -> server.get("/described?busy=1")));
            }
            for (Future<String> one : answers) {
                assertThat(one.get()).startsWith("HTTP/1.1 503 ").contains("took too long").doesNotContain("X-");
            }
        }
    }

    @Test
    void theDeadlineEndsAsynchronousRequests() throws Exception {
        var one = ServerSettings.DEFAULTS.on("virtual:1").deadline(SHORT);
        try (var server = serve(one, Async.class, Plain.class)) {
            assertThat(server.get("/async")).startsWith("HTTP/1.1 503 ").contains("took too long");
            assertThat(note()).isEqualTo("error");
            assertThat(server.get("/async?start=1")).startsWith("HTTP/1.1 503 ");
            assertThat(List.of(note(), note(), note()))
                    .containsExactlyInAnyOrder("started", "interrupted", "error");
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 200 ");
            assertThat(server.broken).isNotDone();
        }
    }

    @Test
    void aDispatchAfterTheDeadlineIsInterruptedToo() throws Exception {
        var one = ServerSettings.DEFAULTS.on("virtual:1").deadline(SHORT);
        try (var server = serve(one, Again.class, Plain.class)) {
            assertThat(server.get("/again")).startsWith("HTTP/1.1 503 ");
            assertThat(note()).isEqualTo("interrupted");
            assertThat(note()).isEqualTo("interrupted again");
            assertThat(server.get("/plain/x")).startsWith("HTTP/1.1 200 ");
            assertThat(server.broken).isNotDone();
        }
    }

    @Test
    void sizesAreLimited() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS.bodySize(100), Plain.class, Echo.class)) {
            assertThat(server.post("/plain", "x".repeat(101))).startsWith("HTTP/1.1 413 ");
            assertThat(server.post("/plain", "x".repeat(100))).startsWith("HTTP/1.1 200 ");
            String chunked = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n96\r\n"
                    + "x".repeat(150) + "\r\n0\r\n\r\n";
            assertThat(server.exchange("POST /plain" + chunked)).startsWith("HTTP/1.1 413 ");
            assertThat(server.exchange("POST /echo" + chunked)).doesNotContain("xxx");
            assertThat(note()).isEqualTo("read: 413: the body of the request has more than 100 bytes");
            assertThat(server.get("/plain/" + "y".repeat(10_000))).startsWith("HTTP/1.1 414 ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/plain", "/echo"})
    void aBodyThatDripsIsGivenUp(String path) throws Exception {
        var least = ServerSettings.DEFAULTS.bodyRate(1 << 20).bodyGrace(Duration.ofMillis(1));
        String head = "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
        try (var server = serve(least, Plain.class, Echo.class); Socket socket = server.connect()) {
            ServletServer.send(socket, head);
            var stops = new Semaphore(0);
            Thread drips = Thread.ofVirtual().start(() -> {
                try {
                    while (!stops.tryAcquire(5, TimeUnit.MILLISECONDS)) {
                        ServletServer.send(socket, "a");
                    }
                } catch (IOException | InterruptedException e) {
                    // the server has closed the connection
                }
            });
            try {
                if (path.equals("/plain")) {
                    assertThat(ServletServer.head(socket)).startsWith("HTTP/1.1 408 ").contains("Connection: close");
                } else { // the listener answers what it likes
                    assertThat(note()).isEqualTo("read: 408: the body of the request comes too slowly");
                }
            } finally {
                stops.release();
                drips.join();
            }
            assertThat(server.broken).isNotDone();
        }
    }

    /** Reads the first byte when the test says so. */
    @WebServlet("/slow")
    static final class SlowReader extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            var in = request.getInputStream();
            int read = in.read();
            NOTES.add("reads");
            try {
                assertThat(MAY_READ.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            while (read >= 0) {
                read = in.read();
            }
            response.getWriter().print("all read");
        }
    }

    @Test
    void aServletThatReadsSlowlyIsNoFaultOfItsClient() throws Exception {
        var least = ServerSettings.DEFAULTS.bodyRate(1 << 20).bodyGrace(SHORT);
        try (var server = serve(least, SlowReader.class); Socket socket = server.connect()) {
            ServletServer.send(socket, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
            assertThat(note()).isEqualTo("reads");
            ServletServer.send(socket, "b");
            long from = System.nanoTime();
            Waiting.until(() -> System.nanoTime() - from > 2 * SHORT.toNanos());
            MAY_READ.release();
            assertThat(ServletServer.head(socket)).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void theDrainAnswersWhatIsUnderWay() throws Exception {
        try (var server = serve(ServerSettings.DEFAULTS, Async.class); Socket client = server.connect()) {
            ServletServer.send(client, KEEP.formatted("/async"));
            AsyncContext held = HELD.take();
            server.drain();
            held.getResponse().getWriter().print("whole");
            held.complete();
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("Connection: close").endsWith("whole");
            assertThat(server.awaitDrained(LONG)).isZero();
        }
    }
}
