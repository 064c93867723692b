java -Djarmode=tools -jar target/shop.jar extract --destination target/extracted
java -jar target/extracted/shop.jar
