package dev.sennit.server.servlet;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.Servlet;
import jakarta.servlet.annotation.MultipartConfig;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.annotation.WebInitParam;
import jakarta.servlet.annotation.WebServlet;
import jakarta.websocket.server.ServerEndpoint;
import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.EventListener;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.jetty.ee11.servlet.FilterHolder;
import org.eclipse.jetty.ee11.servlet.FilterMapping;
import org.eclipse.jetty.ee11.servlet.Holder;
import org.eclipse.jetty.ee11.servlet.ListenerHolder;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.ee11.websocket.jakarta.server.config.JakartaWebSocketServletContainerInitializer;

/**
 * Classes without a WAR: what their annotations say is done here, as nothing is searched for annotations. An annotation
 * that protects, and cannot be heeded, is refused.
 */
final class ClassContext {
    private static final int SESSION_SECONDS = 30 * 60;
    /** Names, as this module does not read that of the second. */
    private static final Set<String> UNHEEDED =
            Set.of("jakarta.servlet.annotation.ServletSecurity", "jakarta.annotation.security.RunAs");

    private ClassContext() {}

    static ServletContextHandler of(List<String> classNames) {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        var context = new ServletContextHandler(ServletContextHandler.SESSIONS);
        context.setClassLoader(loader);
        context.getSessionHandler().setMaxInactiveInterval(SESSION_SECONDS);
        context.setErrorHandler(new ErrorPages());
        List<Class<?>> endpoints = new ArrayList<>();
        for (String name : classNames) {
            add(context, load(name, loader), endpoints);
        }
        ensureNamesExist(context);
        if (!endpoints.isEmpty()) {
            JakartaWebSocketServletContainerInitializer.configure(context, (_, container) -> {
                for (Class<?> endpoint : endpoints) {
                    container.addEndpoint(endpoint);
                }
            });
        }
        return context;
    }

    private static Class<?> load(String name, ClassLoader loader) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("there is no class " + name + " on the class path", e);
        }
    }

    /** Makes an object; unlike Jetty, of a class that is not public too, as applications of other kinds may be. */
    private static <T> T made(Class<T> type) {
        try {
            Constructor<T> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("class " + type.getName() + " has no constructor without parameters", e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("class " + type.getName() + " cannot be instantiated", e);
        }
    }

    private static void add(ServletContextHandler context, Class<?> type, List<Class<?>> endpoints) {
        ensureNothingUnheeded(type);
        boolean isKnown = false;
        if (type.isAnnotationPresent(ServerEndpoint.class)) {
            endpoints.add(type);
            isKnown = true;
        }
        if (EventListener.class.isAssignableFrom(type)) {
            var holder = new ListenerHolder();
            holder.setListener(made(type.asSubclass(EventListener.class)));
            context.getServletHandler().addListener(holder);
            isKnown = true;
        }
        if (Servlet.class.isAssignableFrom(type)) {
            addServlet(context, type.asSubclass(Servlet.class));
            isKnown = true;
        }
        WebFilter filter = type.getAnnotation(WebFilter.class);
        if (filter != null && Filter.class.isAssignableFrom(type)) {
            addFilter(context, type.asSubclass(Filter.class), filter);
            isKnown = true;
        }
        if (!isKnown) {
            throw new IllegalStateException("class " + type.getName()
                    + " is no Servlet, no filter with @WebFilter, no listener and has no @ServerEndpoint");
        }
    }

    private static void ensureNothingUnheeded(Class<?> type) {
        for (Annotation one : type.getAnnotations()) {
            Class<? extends Annotation> annotation = one.annotationType();
            if (UNHEEDED.contains(annotation.getName())) {
                throw new IllegalStateException("class " + type.getName() + " has @" + annotation.getSimpleName()
                        + ", which is not heeded without a WAR; check roles in a filter");
            }
        }
    }

    /** A filter for a Servlet that is not there would protect nothing. */
    private static void ensureNamesExist(ServletContextHandler context) {
        var all = context.getServletHandler();
        for (FilterMapping mapping : all.getFilterMappings()) {
            String[] names = mapping.getServletNames();
            for (String name : names == null ? new String[0] : names) {
                if (!name.equals("*") && all.getServlet(name) == null) {
                    throw new IllegalStateException("filter " + mapping.getFilterName() + " names the Servlet " + name
                            + ", and there is none of that name");
                }
            }
        }
    }

    private static void addServlet(ServletContextHandler context, Class<? extends Servlet> type) {
        var holder = new ServletHolder(made(type));
        holder.setAsyncSupported(true);
        holder.setInitOrder(0); // with the worker, so that one that cannot start never is ready
        WebServlet described = type.getAnnotation(WebServlet.class);
        holder.setName(described == null || described.name().isEmpty() ? type.getName() : described.name());
        String[] patterns = {};
        if (described != null) {
            parameters(holder, described.initParams());
            holder.setAsyncSupported(described.asyncSupported());
            patterns = Stream.of(described.value(), described.urlPatterns()).flatMap(Stream::of).toArray(String[]::new);
        }
        MultipartConfig multipart = type.getAnnotation(MultipartConfig.class);
        if (multipart != null) {
            holder.getRegistration().setMultipartConfig(new MultipartConfigElement(multipart));
        }
        for (String pattern : patterns.length == 0 ? new String[] {"/*"} : patterns) {
            context.addServlet(holder, pattern);
        }
    }

    private static void addFilter(ServletContextHandler context, Class<? extends Filter> type, WebFilter described) {
        String[] patterns =
                Stream.of(described.value(), described.urlPatterns()).flatMap(Stream::of).toArray(String[]::new);
        String[] names = described.servletNames();
        if (patterns.length == 0 && names.length == 0) {
            throw new IllegalStateException(
                    "filter " + type.getName()
                            + " is for nothing: its @WebFilter has no urlPatterns and no servletNames");
        }
        var holder = new FilterHolder(made(type));
        holder.setName(type.getName());
        holder.setAsyncSupported(described.asyncSupported());
        parameters(holder, described.initParams());
        EnumSet<DispatcherType> dispatchers = EnumSet.noneOf(DispatcherType.class);
        dispatchers.addAll(List.of(described.dispatcherTypes()));
        for (String pattern : patterns) {
            context.addFilter(holder, pattern, dispatchers);
        }
        if (names.length > 0) {
            var mapping = new FilterMapping();
            mapping.setFilterName(holder.getName());
            mapping.setServletNames(names);
            mapping.setDispatcherTypes(dispatchers);
            var all = context.getServletHandler();
            if (patterns.length == 0) {
                all.addFilter(holder, mapping);
            } else {
                all.addFilterMapping(mapping);
            }
        }
    }

    private static void parameters(Holder<?> holder, WebInitParam[] parameters) {
        for (WebInitParam one : parameters) {
            holder.setInitParameter(one.name(), one.value());
        }
    }
}
