java -jar target/shop.jar
