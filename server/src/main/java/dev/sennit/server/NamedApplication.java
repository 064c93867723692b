package dev.sennit.server;

import com.sun.net.httpserver.HttpHandler;
import java.io.Serial;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;

/**
 * An application of a class that the worker loads.
 *
 * @param className the class
 */
record NamedApplication(String className) implements WebApplication {
    @Serial
    private static final long serialVersionUID = 1L;

    @Override
    public Routes routes() throws Exception {
        Object made = make();
        if (made instanceof WebApplication application) {
            return application.routes();
        }
        if (made instanceof HttpHandler handler) {
            return Routes.create().under("/", handler);
        }
        throw new IllegalStateException("class " + className + " implements neither " + WebApplication.class.getName()
                + " nor " + HttpHandler.class.getName());
    }

    private Object make() throws Exception {
        Class<?> type;
        try {
            type = Class.forName(className, true, Thread.currentThread().getContextClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("there is no class " + className + " on the class path", e);
        }
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("class " + className + " has no constructor without parameters", e);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }
}
