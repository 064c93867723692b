package dev.sennit.server.servlet;

import com.sun.net.httpserver.HttpHandler;
import dev.sennit.server.Routes;
import dev.sennit.server.WebApplication;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An application of Jakarta Servlets and WebSockets: a WAR, or classes.
 *
 * {@snippet :
 * import dev.sennit.server.WebService;
 * import dev.sennit.server.servlet.ServletApplication;
 * import dev.sennit.service.*;
 * import java.net.InetSocketAddress;
 * import java.nio.file.Path;
 *
 * try (ServiceManager manager = ServiceManager.create("shop")) {
 *     manager.listen("web", new InetSocketAddress("127.0.0.1", 8080));
 *     var shop = WebService.of(ServletApplication.war(Path.of("shop.war")));
 *     manager.add(ServiceSettings.of("shop", shop).workers(2).listener("web").build());
 *     manager.start();
 *     manager.awaitEnd();
 * }
 * }
 *
 * <p>All limits of {@link dev.sennit.server.ServerSettings} hold: an asynchronous request has its place, and its
 * deadline, until it is completed. Sessions live in the memory of one worker, and end with it.
 *
 * <p>Immutable. It travels to each worker, where the classes are loaded.
 */
public final class ServletApplication implements WebApplication {
    private static final long serialVersionUID = 1L;

    /** Null for classes. A text, as paths do not travel. */
    private final @Nullable String war;
    private final String[] classNames;
    private final String path;
    private final WebSocketSettings webSockets;

    private ServletApplication(
            @Nullable String war, String[] classNames, String path, WebSocketSettings webSockets) {
        this.war = war;
        this.classNames = classNames;
        this.path = path;
        this.webSockets = webSockets;
    }

    /**
     * Makes an application of a WAR.
     *
     * @param war the file, or the folder with its content; each worker has a copy of the file and of the classes, so
     *     that a newer one may replace it before a reload
     * @return the application
     */
    public static ServletApplication war(Path war) {
        return new ServletApplication(war.toAbsolutePath().normalize().toString(), new String[0], "/",
                WebSocketSettings.DEFAULTS);
    }

    /**
     * Makes an application of classes.
     *
     * @param types classes of Servlets, filters with {@code @WebFilter}, listeners, and WebSocket endpoints with
     *     {@code @ServerEndpoint}. A Servlet without {@code @WebServlet} answers all that no other does
     * @return the application
     * @throws IllegalArgumentException if there is no class
     */
    public static ServletApplication of(Class<?>... types) {
        return ofClasses(Stream.of(types).map(Class::getName).toArray(String[]::new));
    }

    /**
     * Makes an application of classes, which only the workers load.
     *
     * @param classNames as for {@link #of}
     * @return the application
     * @throws IllegalArgumentException if there is no class
     */
    public static ServletApplication ofClasses(String... classNames) {
        if (classNames.length == 0) {
            throw new IllegalArgumentException("an application must have a class");
        }
        return new ServletApplication(null, classNames.clone(), "/", WebSocketSettings.DEFAULTS);
    }

    /**
     * Returns this application under another path.
     *
     * @param newPath begins with a slash, such as {@code /shop}; {@code /} for all requests
     * @return the application
     * @throws IllegalArgumentException if it is no such path
     */
    public ServletApplication under(String newPath) {
        if (!newPath.startsWith("/") || newPath.length() > 1 && newPath.endsWith("/")) {
            throw new IllegalArgumentException(
                    "a path must begin with / and must not end with one, was \"" + newPath + "\"");
        }
        return new ServletApplication(war, classNames, newPath, webSockets);
    }

    /**
     * Returns this application with other limits of WebSockets.
     *
     * @param newSettings the limits
     * @return the application
     */
    public ServletApplication webSockets(WebSocketSettings newSettings) {
        return new ServletApplication(war, classNames, path, Objects.requireNonNull(newSettings, "newSettings"));
    }

    /**
     * Returns the application as a part of routes, to stand beside others.
     *
     * {@snippet :
     * import dev.sennit.server.*;
     * import dev.sennit.server.servlet.ServletApplication;
     * import java.nio.file.Path;
     *
     * WebApplication both = () -> Routes.create()
     *         .get("/ready", _ -> WebResponse.text("yes\n"))
     *         .under("/shop", ServletApplication.war(Path.of("shop.war")).handler());
     * }
     *
     * @return a handler for {@link Routes#under}, which runs in servers of Sennit only
     */
    public HttpHandler handler() {
        return new ServletHandler(war == null ? null : Path.of(war), List.of(classNames), webSockets);
    }

    @Override
    public Routes routes() {
        return Routes.create().under(path, handler());
    }

    /** Returns the WAR or the classes, and the path. */
    @Override
    public String toString() {
        return (war == null ? String.join(", ", classNames) : war) + " under " + path;
    }
}
