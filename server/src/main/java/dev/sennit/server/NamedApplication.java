package dev.sennit.server;

import com.sun.net.httpserver.HttpHandler;
import dev.sennit.server.jetty.ApplicationKind;
import java.io.Serial;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.util.Iterator;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

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
        Class<?> type = type();
        WebApplication ofOtherKind = ofOtherKind(type);
        if (ofOtherKind != null) {
            return ofOtherKind.routes();
        }
        Object made = make(type);
        if (made instanceof WebApplication application) {
            return application.routes();
        }
        if (made instanceof HttpHandler handler) {
            return Routes.create().under("/", handler);
        }
        throw new IllegalStateException("class " + className + " implements neither " + WebApplication.class.getName()
                + " nor " + HttpHandler.class.getName());
    }

    private Class<?> type() {
        try {
            return Class.forName(className, true, Thread.currentThread().getContextClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("there is no class " + className + " on the class path", e);
        }
    }

    private static @Nullable WebApplication ofOtherKind(Class<?> type) {
        if (WebApplication.class.isAssignableFrom(type) || HttpHandler.class.isAssignableFrom(type)) {
            return null;
        }
        Iterator<ApplicationKind> kinds =
                ServiceLoader.load(ApplicationKind.class, ApplicationKind.class.getClassLoader()).iterator();
        try {
            while (kinds.hasNext()) {
                WebApplication application = kinds.next().of(type);
                if (application != null) {
                    return application;
                }
            }
        } catch (ServiceConfigurationError | NoClassDefFoundError e) {
            // what a kind needs is not on the class path, and so no class of that kind is
        }
        return null;
    }

    private Object make(Class<?> type) throws Exception {
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
