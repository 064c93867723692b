package dev.sennit.server;

import java.io.Serializable;

/**
 * An application: its routes. The object travels to each worker of its service, which makes the routes once, before it
 * is ready. So open databases and load data here: if it fails, the worker is not ready, and a reload keeps the old
 * workers.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * WebApplication greeter = () -> Routes.create()
 *         .get("/hello/{name}", request -> WebResponse.text("hello " + request.parameter("name") + "\n"));
 * }
 */
@FunctionalInterface
public interface WebApplication extends Serializable {
    /**
     * Makes the routes. Called in each worker.
     *
     * @return the routes, which do not change any more
     * @throws Exception which ends the worker before it is ready
     */
    Routes routes() throws Exception;
}
