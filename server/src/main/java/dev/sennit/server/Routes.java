package dev.sennit.server;

import com.sun.net.httpserver.HttpHandler;
import dev.sennit.server.jetty.JettyApplication;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which handler answers which request. Routes come first; where none has the path, the {@link HttpHandler} with the
 * longest path above it is asked. A path without either is answered with 404, a path whose routes have other methods
 * with 405. {@code HEAD} is answered by the route for {@code GET}.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * Routes routes = Routes.create()
 *         .get("/photos/{id}", request -> WebResponse.text("photo " + request.parameter("id")))
 *         .get("/photos/latest", request -> WebResponse.text("the latest photo"))   // goes before {id}
 *         .on("DELETE", "/photos/{id}", request -> WebResponse.of(204));
 * }
 *
 * <p>Not safe for use by several threads; a server takes a copy when it begins.
 */
public final class Routes {
    private record Route(String method, List<String> parts, WebHandler handler) {
        /**
         * Where two paths fit, that with a literal part before the other's parameter goes first. Paths of different
         * lengths never fit both; they are ordered so that the order is transitive.
         */
        static final Comparator<Route> LITERALS_FIRST = (a, b) -> {
            if (a.parts.size() != b.parts.size()) {
                return Integer.compare(a.parts.size(), b.parts.size());
            }
            for (int i = 0; i < a.parts.size(); i++) {
                int order = Boolean.compare(isParameter(a.parts.get(i)), isParameter(b.parts.get(i)));
                if (order != 0) {
                    return order;
                }
            }
            return 0;
        };

        boolean fits(List<String> path) {
            if (path.size() != parts.size()) {
                return false;
            }
            for (int i = 0; i < parts.size(); i++) {
                String part = parts.get(i);
                if (isParameter(part) ? path.get(i).isEmpty() : !part.equals(path.get(i))) {
                    return false;
                }
            }
            return true;
        }

        /** Returns the path with all parameters alike: two routes with the same would hide each other. */
        List<String> shape() {
            return parts.stream().map(part -> isParameter(part) ? "{}" : part).toList();
        }

        Map<String, String> parameters(List<String> path) {
            Map<String, String> values = new HashMap<>();
            for (int i = 0; i < parts.size(); i++) {
                String part = parts.get(i);
                if (isParameter(part)) {
                    values.put(part.substring(1, part.length() - 1), path.get(i));
                }
            }
            return values;
        }
    }

    /** Answers what no route has. */
    private interface Mount {
        void answer(Call call, String path) throws Exception;
    }

    /** The application is null unless it is one of Jetty's. */
    private record Mounted(String path, Mount mount, @Nullable JettyApplication application) {
        boolean isAbove(String other) {
            return other.startsWith(path)
                    && (path.endsWith("/") || other.length() == path.length() || other.charAt(path.length()) == '/');
        }
    }

    private final List<Route> routes;
    private final List<Mounted> mounted;

    private Routes(List<Route> routes, List<Mounted> mounted) {
        this.routes = routes;
        this.mounted = mounted;
    }

    /**
     * Creates routes without any.
     *
     * @return to be added to
     */
    public static Routes create() {
        return new Routes(new ArrayList<>(), new ArrayList<>());
    }

    /**
     * Adds a route for {@code GET} and {@code HEAD}.
     *
     * @param path as for {@link #on}
     * @param handler the handler
     * @return this
     */
    public Routes get(String path, WebHandler handler) {
        return on("GET", path, handler);
    }

    /**
     * Adds a route for {@code POST}.
     *
     * @param path as for {@link #on}
     * @param handler the handler
     * @return this
     */
    public Routes post(String path, WebHandler handler) {
        return on("POST", path, handler);
    }

    /**
     * Adds a route.
     *
     * @param method {@code PUT}, for example
     * @param path begins with a slash; a part in braces is a parameter, which stands for any part of a path that is not
     *     empty
     * @param handler the handler
     * @return this
     * @throws IllegalArgumentException if the method or the path is invalid, or there is such a route already
     */
    public Routes on(String method, String path, WebHandler handler) {
        Fields.ensureName(method);
        Route route = new Route(method, parts(path), Objects.requireNonNull(handler, "handler"));
        for (Route other : routes) {
            if (other.method.equals(method) && other.shape().equals(route.shape())) {
                throw new IllegalArgumentException("there is a route " + method + " " + path + " already");
            }
        }
        routes.add(route);
        routes.sort(Route.LITERALS_FIRST);
        return this;
    }

    /**
     * Adds a handler of the JDK's interface, for a path and all paths below it.
     *
     * @param path begins with a slash; {@code /} for all
     * @param handler the handler; must have closed the exchange, or sent the response, when it returns
     * @return this
     * @throws IllegalArgumentException if the path is invalid, or has a handler already
     */
    public Routes under(String path, HttpHandler handler) {
        if (Objects.requireNonNull(handler, "handler") instanceof JettyApplication application) {
            return mount(path, (call, _) -> call.leaveTo(application), application);
        }
        return mount(path, (call, at) -> {
            SunExchange exchange = new SunExchange(call, at, handler);
            handler.handle(exchange);
            exchange.ensureEnded();
        }, null);
    }

    /**
     * Adds the files of a folder, for a path and all paths below it.
     *
     * @param path begins with a slash; {@code /} for all
     * @param folder the folder
     * @return this
     * @throws IllegalArgumentException if the path is invalid, or has a handler already, or there is no such folder
     */
    public Routes files(String path, Path folder) {
        return files(path, StaticFiles.of(folder));
    }

    /**
     * Adds the files of a folder, for a path and all paths below it.
     *
     * @param path begins with a slash; {@code /} for all
     * @param files the files
     * @return this
     * @throws IllegalArgumentException if the path is invalid, or has a handler already
     */
    public Routes files(String path, StaticFiles files) {
        return mount(path, Objects.requireNonNull(files, "files")::answer, null);
    }

    private Routes mount(String path, Mount mount, @Nullable JettyApplication application) {
        ensurePath(path);
        for (Mounted other : mounted) {
            if (other.path.equals(path)) {
                throw new IllegalArgumentException("there is a handler under " + path + " already");
            }
        }
        mounted.add(new Mounted(path, mount, application));
        mounted.sort(Comparator.comparingInt((Mounted one) -> one.path.length()).reversed());
        return this;
    }

    private static List<String> parts(String path) {
        ensurePath(path);
        List<String> parts = List.of(path.substring(1).split("/", -1));
        for (String part : parts) {
            boolean hasBraces = part.contains("{") || part.contains("}");
            if (hasBraces && !part.matches("\\{[A-Za-z_][A-Za-z0-9_]*}")) {
                throw new IllegalArgumentException(
                        "a parameter must be a whole part of a path, such as {id}, was \"" + part + "\" in " + path);
            }
        }
        if (parts.stream().filter(Routes::isParameter).distinct().count()
                < parts.stream().filter(Routes::isParameter).count()) {
            throw new IllegalArgumentException("the parameters of a path must have different names, was " + path);
        }
        return parts;
    }

    private static void ensurePath(String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("a path must begin with /, was \"" + path + "\"");
        }
    }

    private static boolean isParameter(String part) {
        return part.startsWith("{");
    }

    /** Returns a copy that no longer changes. */
    Routes copy() {
        return new Routes(List.copyOf(routes), List.copyOf(mounted));
    }

    /** Returns whether nothing would ever be found. */
    boolean isEmpty() {
        return routes.isEmpty() && mounted.isEmpty();
    }

    /** Returns the applications of Jetty's, by their paths. */
    Map<String, JettyApplication> applications() {
        Map<String, JettyApplication> found = new LinkedHashMap<>();
        for (Mounted one : mounted) {
            if (one.application != null) {
                found.put(one.path, one.application);
            }
        }
        return found;
    }

    /** Answers a request, or leaves it to an application of Jetty's. */
    void answer(Call call) throws Exception {
        String method = call.method();
        List<String> path = Arrays.asList(call.path().substring(1).split("/", -1));
        @Nullable SortedSet<String> allowed = null;
        for (Route route : routes) {
            if (!route.fits(path)) {
                continue;
            }
            if (route.method.equals(method) || route.method.equals("GET") && method.equals("HEAD")) {
                route.handler.handle(new WebRequest(call, route.parameters(path))).send(call);
                return;
            }
            allowed = allowed == null ? new TreeSet<>() : allowed;
            allowed.add(route.method);
            if (route.method.equals("GET")) {
                allowed.add("HEAD");
            }
        }
        for (Mounted one : mounted) {
            if (one.isAbove(call.path())) {
                one.mount.answer(call, one.path);
                return;
            }
        }
        if (allowed == null) {
            WebResponse.text("there is nothing at this path\n").status(404).send(call);
        } else {
            WebResponse.text("this path has other methods\n")
                    .status(405)
                    .header("Allow", String.join(", ", allowed))
                    .send(call);
        }
    }
}
